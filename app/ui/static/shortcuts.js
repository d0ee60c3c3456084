// Every key that does something by itself, in one list. The dialog shows this list and nothing
// else, so that it is always true.

import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./language.js";

const TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])";
const known = [];

export const mac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/** Add a shortcut: `keys` as "Mod+Enter" or "g", several with spaces between them; `says` is the
 *  key of its words; `run(event)` gives false where there was nothing to do. With `typing` it also
 *  works in a text box and over a dialog. `there()` tells whether it means anything now. Without
 *  `run` it only tells of keys that a part of the page listens to itself. */
export function shortcut({ keys, says, run = null, typing = false, there = () => true }) {
  known.push({ keys: keys.split(" "), says, run, typing, there });
}

/** Begin to listen. */
export function listen() {
  document.addEventListener("keydown", press, { capture: true });
  shortcut({ keys: "?", says: "shortcuts.help", run: showShortcuts });
}

/** The dialog with all shortcuts that mean anything now. */
export function showShortcuts() {
  const rows = known
    .filter(({ there }) => there())
    .map(({ keys, says }) => h("div", {}, h("dt", {}, t(says)), h("dd", {}, ...keys.map(written))));
  dialog("shortcuts", t("shortcuts.title"), h("dl", { class: "keys" }, ...rows)).showModal();
}

function press(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const combination = pressed(event);
  const found = known.find(
    ({ keys, run, typing, there }) =>
      run && keys.includes(combination) && (typing || free(event.target)) && there(),
  );
  // A key that is held down does it once.
  if (!found || (!event.repeat && found.run(event) === false)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** Shift is told of keys with a name alone: with the others it makes another character. */
function pressed({ key, ctrlKey, metaKey, shiftKey }) {
  const named = key.length > 1;
  const modifiers = [(ctrlKey || metaKey) && "Mod", shiftKey && named && "Shift"];
  return [...modifiers, named ? key : key.toLowerCase()].filter(Boolean).join("+");
}

/** Nothing else waits for a letter. */
function free(target) {
  return !target.closest?.(TEXT) && !document.querySelector("dialog[open], :popover-open");
}

function written(combination) {
  const names = combination.split("+").map((key) => h("kbd", {}, name(key)));
  return h("span", {}, ...names);
}

function name(key) {
  const names = {
    Mod: mac ? "⌘" : t("key.ctrl"),
    Shift: mac ? "⇧" : t("key.shift"),
    Enter: t("key.enter"),
    Escape: t("key.escape"),
    ArrowLeft: "←",
    ArrowRight: "→",
    ArrowUp: "↑",
    ArrowDown: "↓",
  };
  return names[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}
