// A model file is taken: it becomes the checkpoint or the VAE, or it goes into the prompt.

import { toPrompt } from "./fields.js";
import { addTag, textOf, toggleWords } from "./shelf-prompt.js";
import { hasWords, tagsIn } from "./shelf-tags.js";

/** Use a file of the list; what is in the prompt already stays as it is. */
export function useModel(model) {
  const { role, name, word } = model;
  if (role === "checkpoint" || role === "vae") {
    document.dispatchEvent(new CustomEvent("gesso:use", { detail: { role, name } }));
    return;
  }
  if (role === "embedding") {
    if (!hasWords(textOf(), word)) toggleWords(word, false);
  } else if (
    !tagsIn(textOf()).some((tag) => tag.role === role && [word, name].includes(tag.name))
  ) {
    addTag(model);
  }
  toPrompt();
}
