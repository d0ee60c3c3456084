// How long each prompt is for the model, beside its label: "32 / 75", or "75 + 12 / 75".

import { countTokens } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";
import { values } from "./workspace.js";

const REST = 300; // milliseconds without a change, after which is counted
const SHOWN = 3; // chunks told one by one

/** Keep a counter beside the boxes of these fields. */
export function countPrompts(...fields) {
  const counters = fields.map((field) => new Counter(field));
  // Gradio fills the boxes, too, and tells of it with no event.
  setInterval(() => counters.forEach((counter) => counter.look()), REST);
}

class Counter {
  #field;
  #seen = null;
  #counted = null;
  #shown = h("span", { "aria-hidden": "true" });
  #said = h("span", { class: "unseen" });
  #element = h("span", { class: "tokens" }, this.#shown, this.#said);

  constructor(field) {
    this.#field = field;
    this.#said.id = `${field}-tokens`;
  }

  /** Counts what has stood still since the last look. */
  look() {
    const box = document.querySelector(`#${this.#field} textarea`);
    if (!box || document.hidden) return;
    const text = box.value;
    const checkpoint = values().shared?.checkpoint || null;
    const asked = JSON.stringify([text, checkpoint]);
    const still = asked === this.#seen;
    this.#seen = asked;
    if (still && asked !== this.#counted) this.#count(box, asked, text, checkpoint);
  }

  async #count(box, asked, text, checkpoint) {
    this.#counted = asked;
    const count = await countTokens(text, checkpoint);
    if (this.#counted !== asked) return;
    this.#show(box, count);
  }

  #show(box, count) {
    const tokens = count?.chunks.reduce((sum, chunk) => sum + chunk, 0);
    const tooLong = Boolean(count?.too_long);
    this.#element.hidden = !tokens && !tooLong;
    this.#element.classList.toggle("over", tooLong);
    if (this.#element.hidden) return;
    this.#shown.textContent = tooLong ? t("tokens.too_long") : short(count);
    this.#said.textContent = tooLong
      ? t("tokens.too_long")
      : t("tokens.said", { tokens, chunks: count.chunks.length });
    if (this.#element.isConnected) return;
    box.closest(".block").append(this.#element);
    box.setAttribute("aria-describedby", this.#said.id);
  }
}

/** "75 + 12 / 75"; of many chunks only the last ones are told. */
export function short({ chunks, limit }) {
  const last = chunks.slice(-SHOWN).join(" + ");
  const more = chunks.length > SHOWN ? "… + " : "";
  return `${more}${last} / ${limit}`;
}
