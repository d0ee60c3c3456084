// The two prompts as the shelf reads and edits them.

import { field, type } from "./fields.js";
import { tagOf, withoutWords, withTag, withWords } from "./shelf-tags.js";

export const PROMPTS = ["prompt", "negative_prompt"];

/** What stands in a prompt now. */
export function textOf(name = "prompt") {
  return field(name)?.querySelector("textarea")?.value ?? "";
}

/** Put another text into a prompt, as if it had been typed; where the cursor is stays. */
export function write(text, name = "prompt") {
  const box = field(name)?.querySelector("textarea");
  if (!box || box.value === text) return;
  const { selectionStart: start, selectionEnd: end } = box;
  type(name, text);
  box.setSelectionRange(start, end);
}

/** Put words into a prompt, or take them out. */
export function toggleWords(words, there, name = "prompt") {
  write((there ? withoutWords : withWords)(textOf(name), words), name);
}

/** Put a LoRA or a hypernetwork into the prompt, with the weight it is best used with. */
export function addTag({ role, word, weight }) {
  write(withTag(textOf(), tagOf({ role, name: word, weight: weight ?? 1 })));
}

/** Call `listener()` whenever a prompt or the checkpoint may have changed, typed or filled in. */
export function watch(listener) {
  const heard = ({ detail }) => {
    // Once all have heard of it: the workspace holds the new value then.
    const ours = detail.form === "shared" && [...PROMPTS, "checkpoint"].includes(detail.name);
    if (ours) queueMicrotask(listener);
  };
  document.addEventListener("gesso:field", heard);
  const typed = ({ target }) => PROMPTS.some((name) => field(name)?.contains(target)) && listener();
  document.addEventListener("input", typed);
}
