// The shortcuts of the page as a whole; each part adds its own to the same list.

import { toPrompt } from "./fields.js";
import { listen, mac, shortcut } from "./shortcuts.js";
import { go } from "./tabs.js";

/** An open dialog, menu or list keeps its own Escape, and so does a search that it empties. */
const OPEN =
  "dialog[open], :popover-open, [role=combobox][aria-expanded=true]," +
  "[type=search]:focus:not(:placeholder-shown)";

const galleryTab = () => document.getElementById("tab-gallery-button");
const queueButton = () => document.getElementById("queue-button");

/** `generate()` and `first()` press their buttons, `stop()` gives false where nothing is being
 *  painted. */
export function pageShortcuts({ generate, first, stop }) {
  document.body.classList.toggle("mac", mac);
  listen();
  shortcut({ keys: "Mod+Enter", says: "shortcuts.generate", run: () => paint(generate), typing: true });
  shortcut({ keys: "Mod+Shift+Enter", says: "form.first", run: () => paint(first), typing: true });
  shortcut({
    keys: "Escape",
    says: "shortcuts.stop",
    run: () => !document.querySelector(OPEN) && stop(),
    typing: true,
  });
  shortcut({ keys: "p", says: "shortcuts.prompt", run: toPrompt });
  shortcut({ keys: "g", says: "shortcuts.gallery", run: () => go("gallery"), there: galleryTab });
  shortcut({ keys: "q", says: "shortcuts.queue", run: () => queueButton().click(), there: queueButton });
  shortcut({ keys: "ArrowLeft ArrowRight", says: "shortcuts.leaf" });
}

function paint(press) {
  if (!document.getElementById("generate")?.checkVisibility()) return false;
  commit();
  // Gradio takes over what was typed a moment after the event.
  setTimeout(press, 60);
}

function commit() {
  const focused = document.activeElement;
  if (!focused?.matches("input, textarea")) return;
  focused.dispatchEvent(new Event("input", { bubbles: true }));
  focused.dispatchEvent(new Event("change", { bubbles: true }));
  // A list takes what was typed into it when it is left.
  if (focused.getAttribute("role") === "combobox") focused.blur();
}
