// What there is for the prompt: LoRAs, embeddings, hypernetworks as cards, what fits first.

import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { showFolders } from "./folders.js";
import { icon } from "./icons.js";
import { n, t } from "./language.js";
import { preview, said, stem } from "./models-card.js";
import { ModelGrid } from "./models-grid.js";
import { ModelStore } from "./models-store.js";
import { PROMPTS } from "./shelf-prompt.js";
import { segments } from "./segments.js";
import { fail } from "./toast.js";

const KINDS = ["lora", "embedding", "hypernetwork"];
const PAUSE_MS = 180; // after the last key, before searching

/** The search and its cards. `element` is filled when it is first `shown`. */
export class ShelfLibrary {
  #store = new ModelStore();
  #checkpoint = null;
  #kind = "lora";
  #target = "prompt"; // where the word of an embedding goes
  #timer = 0;
  #search = h("input", {
    type: "search",
    placeholder: t("shelf.search"),
    "aria-label": t("shelf.search"),
    maxlength: 200,
    oninput: () => this.#soon(),
  });
  #told = h("p", { class: "reason", role: "status" });
  #none = h("div", { class: "none" });
  #into;
  #grid;

  /** `isUsed(model)` tells whether a file is in the prompt, `toggle(model, target)` puts it there, or
   *  takes it out. */
  constructor({ isUsed, toggle }) {
    this.#grid = new ModelGrid(this.#store, {
      label: t("shelf.library"),
      least: 92,
      height: (side) => Math.round(side) + 44,
      card,
      mark: (button, model) => button.setAttribute("aria-pressed", String(isUsed(model))),
      press: (model) => this.#press(model, toggle),
    });
    const prompts = PROMPTS.map((name) => [name, t(`field.${name}.label`)]);
    this.#into = segments("shelf-into", t("shelf.into"), prompts, this.#target, (target) => {
      this.#target = target;
    });
    const kinds = KINDS.map((kind) => [kind, t(`models.roles.${kind}`)]);
    this.element = h(
      "div",
      { class: "library" },
      segments("shelf-kind", t("shelf.kind"), kinds, this.#kind, (kind) => this.#choose(kind)),
      h("label", { class: "search" }, icon("search"), this.#search),
      this.#into,
      this.#grid.element,
      this.#none,
      this.#told,
    );
    this.#into.hidden = true;
    this.#store.addEventListener("start", () => this.#started());
    feed.watch("models", () => this.reload());
  }

  /** Show what there is for this checkpoint. */
  shown(checkpoint) {
    if (checkpoint === this.#checkpoint) return this.#grid.draw();
    this.#checkpoint = checkpoint;
    this.#load();
  }

  /** Look again, if it was shown before. */
  reload() {
    if (this.#checkpoint !== null) this.#load();
  }

  /** The prompt has changed. */
  draw() {
    this.#grid.draw();
  }

  async #load() {
    clearTimeout(this.#timer);
    const text = this.#search.value.trim();
    const wish = { role: this.#kind, text, checkpoint: this.#checkpoint || null };
    await this.#store.load(wish).catch(fail);
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), PAUSE_MS);
  }

  #choose(kind) {
    this.#kind = kind;
    this.#into.hidden = kind !== "embedding";
    this.#grid.element.scrollTop = 0;
    this.#load();
  }

  #started() {
    const { count, wish } = this.#store;
    this.#grid.element.hidden = !count;
    this.#none.replaceChildren(...(count ? [] : nothing(wish)));
    this.#told.textContent = count && wish.text ? n("models.count", count) : "";
    if (count) this.#grid.start();
  }

  #press(model, toggle) {
    if (model.problem || !model.fits) {
      const why = model.problem ? `${model.problem.message} ${model.problem.cure}` : model.why_not;
      return this.#told.replaceChildren(said(why));
    }
    this.#told.textContent = "";
    toggle(model, this.#target);
  }
}

function card(model) {
  const why = model.problem?.message ?? model.why_not;
  const attributes = { class: "model", type: "button", "aria-disabled": why ? "true" : null };
  return h(
    "button",
    { ...attributes, title: model.name },
    preview(model),
    h("span", { class: "name" }, bdi(model.title || stem(model))),
    why && said(why, { class: "why" }),
    h("span", { class: "tick", "aria-hidden": "true" }, icon("check")),
  );
}

/** What stands where there are no files. */
function nothing({ text, role }) {
  if (text) return [h("p", {}, t("shelf.none"))];
  const open = { class: "chip", type: "button", onclick: showFolders };
  const folder = h("code", {}, `models/${role}s`);
  return [h("p", {}, t("shelf.empty"), " ", folder), h("button", open, t("folders.title"))];
}
