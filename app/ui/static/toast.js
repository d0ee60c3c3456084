// One line at the foot of the window that goes away by itself, with at most one thing to press.

import { over } from "./dialog.js";
import { bdi, h } from "./dom.js";

const SHOWN_MS = 12_000;
const MARGIN_MS = 4_000; // after the pointer or the focus has left it

let shown = null;

/** Say what was done, and offer to undo it; Ctrl+Z does the same while it stands there. */
export function offer(text, label, undo) {
  const press = () => {
    close();
    undo();
  };
  const button = h("button", { type: "button", onclick: press }, label);
  show(h("div", { id: "undo", role: "status" }, h("span", {}, text), button), press);
}

/** Say what went wrong: an error with `message` and `cure`. */
export function fail({ message, cure }) {
  show(h("div", { id: "undo", class: "failed", role: "alert" }, bdi(`${message} ${cure ?? ""}`)));
}

function show(element, undo = null) {
  close();
  shown = { element, undo, timer: 0 };
  const wait = (time) => {
    clearTimeout(shown?.timer);
    if (shown?.element === element) shown.timer = setTimeout(close, time);
  };
  for (const event of ["pointerenter", "focusin"]) {
    element.addEventListener(event, () => clearTimeout(shown?.timer));
  }
  for (const event of ["pointerleave", "focusout"]) {
    element.addEventListener(event, () => wait(MARGIN_MS));
  }
  document.addEventListener("keydown", onKey);
  settle(element);
  wait(SHOWN_MS);
}

/** Put it where it can be pressed: what is outside an open dialog cannot. */
function settle(element) {
  const dialog = document.querySelector("dialog[open]");
  if (dialog) dialog.append(element);
  else over(element);
  dialog?.addEventListener("close", () => shown?.element === element && settle(element), {
    once: true,
  });
}

function onKey(event) {
  const typing = event.target instanceof Element && event.target.closest("input, textarea");
  if (
    !shown?.undo ||
    typing ||
    event.key.toLowerCase() !== "z" ||
    !(event.ctrlKey || event.metaKey)
  )
    return;
  event.preventDefault();
  shown.undo();
}

function close() {
  if (!shown) return;
  clearTimeout(shown.timer);
  shown.element.remove();
  shown = null;
  document.removeEventListener("keydown", onKey);
}
