// The LoRAs below the prompts. The tags in the prompt are the state: whatever is changed here is
// changed there, and whatever is typed there shows here.

import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { icon } from "./icons.js";
import { keep, kept } from "./kept.js";
import { t } from "./language.js";
import { asked } from "./models-api.js";
import { ShelfLibrary } from "./shelf-library.js";
import { addTag, PROMPTS, textOf, toggleWords, watch, write } from "./shelf-prompt.js";
import { hasWords, tagsIn, without } from "./shelf-tags.js";
import { brief, isMisfit, Used } from "./shelf-used.js";
import { found, values } from "./workspace.js";

const REST_MS = 250; // without a change, after which the server is asked
const OPEN = "shelf";
const LISTS = { lora: "loras", hypernetwork: "hypernetworks" };

/** Fills its element in the compose column. */
export function shelf(element) {
  return new Shelf(element);
}

class Shelf {
  #answers = { loras: [], hypernetworks: [], embeddings: [] };
  #uses = [];
  #seen = null; // the prompts and the checkpoint that were asked about
  #timer = 0;
  #turn = 0;
  #used = new Used();
  #library = new ShelfLibrary({
    isUsed: (model) => this.#uses.some((use) => same(use.answer?.model, model)),
    toggle: (model, target) => this.#toggle(model, target),
  });
  #chips = h("div", { class: "chips" });
  #count = h("span", { class: "number" });
  #inside = h(
    "div",
    { id: "shelf-inside", class: "inside" },
    this.#used.element,
    this.#library.element,
  );
  #head = h(
    "button",
    { class: "head", type: "button", "aria-controls": "shelf-inside", onclick: () => this.#fold() },
    icon("right"),
    h("span", {}, t("shelf.title")),
    this.#count,
  );

  constructor(element) {
    const label = { class: "shelf", "aria-label": t("shelf.title") };
    this.element = h(
      "section",
      label,
      h("div", { class: "fold" }, this.#head, this.#chips),
      this.#inside,
    );
    element.replaceChildren(this.element);
    watch(() => this.#look());
    feed.watch("models", () => this.#ask());
    found.then(() => this.#look());
    this.#open(kept(OPEN) === "open");
    this.#look();
  }

  get #checkpoint() {
    return values().shared?.checkpoint || "";
  }

  /** Show what the prompt says now, and ask about what it says new. */
  #look() {
    this.#draw();
    if (JSON.stringify(this.#prompts()) === this.#seen) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), REST_MS);
  }

  #prompts() {
    const texts = PROMPTS.map((name) => [name, textOf(name)]);
    return { ...Object.fromEntries(texts), checkpoint: this.#checkpoint || null };
  }

  async #ask() {
    const turn = ++this.#turn;
    const prompts = this.#prompts();
    this.#seen = JSON.stringify(prompts);
    const empty = PROMPTS.every((name) => !prompts[name].trim());
    const answers = empty ? null : await asked(prompts).catch(() => this.#forget());
    if (turn !== this.#turn) return;
    this.#answers = answers ?? { loras: [], hypernetworks: [], embeddings: [] };
    this.#draw();
  }

  /** No answer came: the next change asks again. */
  #forget() {
    this.#seen = null;
    return null;
  }

  #draw() {
    this.#uses = [...this.#tagged(), ...this.#worded()];
    this.#count.textContent = this.#uses.length || "";
    this.#used.show(this.#uses);
    this.#chips.replaceChildren(...this.#uses.map((use) => this.#chip(use)));
    if (!this.#inside.hidden) this.#library.shown(this.#checkpoint);
  }

  #tagged() {
    const times = new Map();
    return tagsIn(textOf()).map((tag, place) => {
      const { role, name } = tag;
      const time = (times.get(role + name) ?? 0) + 1;
      times.set(role + name, time);
      const answer = this.#answers[LISTS[role]].find((one) => one.name === name);
      return { key: `${role} ${time} ${name}`, role, name, tag, place, answer };
    });
  }

  /** Embeddings by their words, as long as these still stand there. */
  #worded() {
    const texts = PROMPTS.map((name) => textOf(name));
    return this.#answers.embeddings
      .filter(({ name }) => texts.some((text) => hasWords(text, name)))
      .map((answer) => ({
        key: `embedding ${answer.name}`,
        role: "embedding",
        name: answer.name,
        answer,
      }));
  }

  #chip(use) {
    const [name, weight] = brief(use);
    const misfit = isMisfit(use);
    const open = () => {
      this.#open(true);
      this.#used.focus(use.key);
    };
    const attributes = { class: misfit ? "chip misfit" : "chip", type: "button", onclick: open };
    return h("button", attributes, misfit && icon("warn"), bdi(name), weight && h("b", {}, weight));
  }

  #fold() {
    this.#open(this.#inside.hidden);
    keep(OPEN, this.#inside.hidden ? null : "open");
  }

  #open(open) {
    this.#inside.hidden = !open;
    this.#head.setAttribute("aria-expanded", String(open));
    this.element.classList.toggle("open", open);
    if (open) this.#library.shown(this.#checkpoint);
  }

  /** Into the prompt, or out of it. */
  #toggle(model, target) {
    const use = this.#uses.find(({ answer }) => same(answer?.model, model));
    if (model.role === "embedding") {
      const there = PROMPTS.filter((name) => hasWords(textOf(name), model.word));
      for (const name of there.length ? there : [target]) {
        toggleWords(model.word, there.length > 0, name);
      }
      if (!there.length) this.#answers.embeddings.push({ name: model.word, model, near: null });
    } else if (use) {
      write(without(textOf(), use.tag));
    } else {
      addTag(model);
      this.#answers[LISTS[model.role]].push({ name: model.word, model, near: null });
    }
    this.#draw();
    this.#library.draw();
  }
}

function same(one, other) {
  return Boolean(one) && one.role === other.role && one.id === other.id;
}
