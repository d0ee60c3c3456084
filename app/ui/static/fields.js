// Gradio's widgets, reached by their field: in the working tab chosen last, or above the tabs.

import { goToForm, idOf } from "./tabs.js";

const EDITABLE = "textarea, input";
const CHOSEN = `${EDITABLE}, [role=combobox]`;

export function field(name) {
  return document.getElementById(idOf(name));
}

/** Put the cursor into the prompt, also from a view. */
export function toPrompt() {
  const focus = () => field("prompt")?.querySelector(EDITABLE)?.focus();
  if (goToForm()) document.addEventListener("gesso:tab", focus, { once: true });
  else focus();
}

/** Put text into a text box as if it had been typed. */
export function type(name, text) {
  const box = field(name)?.querySelector(EDITABLE);
  if (!box) return;
  const prototype = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(prototype.prototype, "value").set.call(box, text);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Mark the one field that is wrong, until it is changed; null marks none. */
export function mark(name) {
  for (const marked of document.querySelectorAll(".wrong")) {
    marked.classList.remove("wrong");
    for (const box of marked.querySelectorAll(CHOSEN)) box.removeAttribute("aria-invalid");
  }
  const wrong = name && field(name);
  if (!wrong) return;
  wrong.classList.add("wrong");
  for (const box of wrong.querySelectorAll(CHOSEN)) box.setAttribute("aria-invalid", "true");
  wrong.addEventListener("input", () => mark(null), { once: true });
  wrong.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

/** Focusing a list selects its text, so that typing filters instead of appending. */
export function selectOnFocus() {
  document.addEventListener("focusin", ({ target }) => {
    if (target instanceof HTMLInputElement && target.getAttribute("role") === "combobox") {
      // Selecting also focuses: not when the artist has tabbed on meanwhile.
      requestAnimationFrame(() => document.activeElement === target && target.select());
    }
  });
}

/** An open list scrolls, and browsers stop at what scrolls: Tab leads past it to the next field. */
export function tabPastLists() {
  document.addEventListener(
    "keydown",
    ({ key, target }) => {
      if (key !== "Tab" || target.getAttribute?.("role") !== "combobox") return;
      target.closest(".block")?.querySelector("[role=listbox]")?.setAttribute("tabindex", "-1");
    },
    { capture: true },
  );
}

/** A list shuts when it is left: Gradio leaves it open over what stands below. */
export function shutLists() {
  document.addEventListener("focusout", ({ target }) => {
    if (target.getAttribute?.("role") !== "combobox") return;
    const block = target.closest(".block");
    setTimeout(() => {
      const chosenFrom = block.querySelector("[role=listbox]:hover");
      if (chosenFrom || block.contains(document.activeElement)) return;
      if (target.getAttribute("aria-expanded") !== "true") return;
      target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    });
  });
}
