// What the prompts ask for: a row for each LoRA and hypernetwork with its weights, and for each
// embedding.

import { arrange, bdi, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { number, t } from "./language.js";
import { preview, said, stem } from "./models-card.js";
import { PROMPTS, textOf, toggleWords, write } from "./shelf-prompt.js";
import { changed, hasWords, tagsIn, without, withoutWords, written } from "./shelf-tags.js";

const MOST = 2; // what a slider reaches; the number beside it goes further
const STEP = 0.05;

/** The rows. They are kept while their tags stay, so that a slider can be dragged on. */
export class Used {
  element = h("ul", { class: "used", "aria-label": t("shelf.used") });
  #rows = new Map();

  /** `uses`: `{ key, role, name, answer, tag, place }`; `answer` is what the server says of the name,
   *  undefined until it does, `place` the number of its tag in the prompt. */
  show(uses) {
    const rows = uses.map((use) => [use.key, this.#rows.get(use.key) ?? new Row(use)]);
    this.#rows = new Map(rows);
    rows.forEach(([, row], k) => row.show(uses[k]));
    arrange(
      this.element,
      rows.map(([, row]) => row.element),
    );
  }

  /** Give the focus to the row of that key. */
  focus(key) {
    this.#rows.get(key)?.element.querySelector("input, button")?.focus();
  }
}

class Row {
  #use;
  #drawn = null; // of what the row was made last
  #apart = false; // a weight of its own for the text encoders
  #weight = this.#slider("weight");
  #textWeight = this.#slider("textWeight");
  #words = h("div", { class: "words" });
  element = h("li", {});

  constructor(use) {
    this.#use = use;
  }

  show(use) {
    this.#use = use;
    const { tag, answer } = use;
    if (tag && tag.weight !== tag.textWeight) this.#apart = true;
    const where =
      use.role === "embedding" && PROMPTS.map((name) => hasWords(textOf(name), use.name));
    const made = JSON.stringify([answer, this.#apart, tag?.weight === null, where]);
    if (made !== this.#drawn) this.#draw();
    this.#drawn = made;
    if (tag && tag.weight !== null) {
      this.#weight.put(tag.weight);
      this.#textWeight.put(tag.textWeight);
    }
    for (const chip of this.#words.children) mark(chip);
  }

  #draw() {
    const { role, name, tag, answer } = this.#use;
    const model = answer?.model;
    const title = model?.title || name;
    const remove = iconButton("close", t("shelf.remove", { name }), () => this.#remove());
    const sliders = tag &&
      tag.weight !== null && [
        this.#weight.labelled(t(this.#apart ? "shelf.weight.unet" : "shelf.weight"), name),
        this.#apart && this.#textWeight.labelled(t("shelf.weight.text"), name),
      ];
    this.#words.replaceChildren(...(model?.trigger_words ?? []).map(wordChip));
    const label = h("b", { title: model?.name ?? name }, bdi(title));
    this.element.className = isMisfit(this.#use) ? `${role} misfit` : role;
    this.element.replaceChildren(
      h("div", { class: "name" }, label, this.#divide(role, tag), remove),
      model ? preview(model) : h("span", { class: "preview" }, icon("warn")),
      h("div", { class: "told" }, ...filter([this.#why(), this.#where(), sliders, this.#words])),
    );
  }

  /** What an embedding is, and in which prompts its word stands. */
  #where() {
    const { role, name } = this.#use;
    if (role !== "embedding") return null;
    const prompts = PROMPTS.filter((prompt) => hasWords(textOf(prompt), name));
    const labels = prompts.map((prompt) => t(`field.${prompt}.label`));
    return h("p", { class: "where" }, [t("models.role.embedding"), ...labels].join(" · "));
  }

  /** Why it cannot be used, if so. */
  #why() {
    const { role, name, tag, answer } = this.#use;
    if (tag && tag.weight === null) return h("p", { class: "why" }, t("shelf.unread"));
    if (!answer) return null;
    const { model, near } = answer;
    if (model?.problem) return h("p", { class: "why" }, said(model.problem.message));
    if (model) return model.why_not && h("p", { class: "why" }, said(model.why_not));
    const take = () => this.#change({ name: near });
    return h(
      "p",
      { class: "why" },
      t("shelf.unknown", { kind: t(`models.role.${role}`), name }),
      near &&
        h(
          "button",
          { class: "chip", type: "button", onclick: take },
          t("shelf.near", { name: near }),
        ),
    );
  }

  /** One weight for everything, or two: the button that changes it. */
  #divide(role, tag) {
    if (role !== "lora" || !this.#use.answer?.model || tag.weight === null) return "";
    const flip = () => {
      this.#apart = !this.#apart;
      this.#drawn = null;
      if (this.#apart) this.show(this.#use);
      else this.#change({ textWeight: this.#use.tag.weight });
      this.element.querySelector(".apart")?.focus();
    };
    const attributes = { class: "quiet apart", "aria-pressed": String(this.#apart) };
    return iconButton("split", t("shelf.apart"), flip, attributes);
  }

  #slider(which) {
    return new Slider((weight) =>
      this.#change(
        which === "textWeight" || this.#apart
          ? { [which]: weight }
          : { weight, textWeight: weight },
      ),
    );
  }

  #change(changes) {
    const tag = this.#tag();
    if (!tag) return;
    const sane = tag.weight === null ? { weight: 1, textWeight: 1 } : {};
    write(changed(textOf(), tag, { ...sane, ...changes }));
    if (JSON.stringify(this.#tag()) === JSON.stringify(tag)) this.show(this.#use);
  }

  /** The tag as it stands in the prompt now. */
  #tag() {
    const { place, role, name } = this.#use;
    const tag = tagsIn(textOf())[place];
    return tag?.role === role && tag.name === name ? tag : null;
  }

  #remove() {
    const { role, name } = this.#use;
    if (role === "embedding") {
      for (const prompt of PROMPTS) write(withoutWords(textOf(prompt), name), prompt);
    } else {
      const tag = this.#tag();
      if (tag) write(without(textOf(), tag));
    }
  }
}

/** A weight as a slider and as a number. */
class Slider {
  #range;
  #box;
  element;

  constructor(changed) {
    const put = (text) =>
      text !== "" && Number.isFinite(Number(text)) && changed(clamp(Number(text)));
    const take = ({ target }) => put(target.value);
    const limits = { min: -MOST, max: MOST, step: STEP };
    this.#range = h("input", { type: "range", ...limits, oninput: take });
    this.#box = h("input", { type: "number", min: -10, max: 10, step: 0.01, onchange: take });
    this.element = h("label", { class: "weight" });
  }

  /** The whole of it, under a label; `name` is what it weighs. */
  labelled(label, name) {
    for (const input of [this.#range, this.#box])
      input.setAttribute("aria-label", `${name}: ${label}`);
    this.element.replaceChildren(
      h("span", { "aria-hidden": "true" }, label),
      this.#range,
      this.#box,
    );
    return this.element;
  }

  put(weight) {
    const text = written(weight);
    if (document.activeElement !== this.#range || Number(this.#range.value) !== weight) {
      this.#range.value = text;
    }
    this.#range.setAttribute("aria-valuetext", number(weight));
    this.#range.style.setProperty(
      "--share",
      `${(Math.min(MOST, Math.max(-MOST, weight)) / MOST + 1) * 50}%`,
    );
    if (document.activeElement !== this.#box) this.#box.value = text;
  }
}

/** A trigger word: it goes into the prompt, or out of it. */
export function wordChip(words) {
  const flip = ({ currentTarget }) => {
    toggleWords(words, hasWords(textOf(), words));
    mark(currentTarget);
  };
  const attributes = { class: "chip word", type: "button", "data-words": words, onclick: flip };
  return h("button", { ...attributes, title: t("shelf.word") }, bdi(words));
}

function mark(chip) {
  chip.setAttribute("aria-pressed", String(hasWords(textOf(), chip.dataset.words)));
}

function clamp(weight) {
  return Math.min(10, Math.max(-10, weight));
}

function filter(parts) {
  return parts.flat().filter(Boolean);
}

/** Whether a picture cannot be painted with it as it stands in the prompt. */
export function isMisfit({ tag, answer }) {
  if (tag?.weight === null) return true;
  return Boolean(answer) && !(answer.model?.fits && !answer.model.problem);
}

/** How a use is called in short: "ink 0.8". */
export function brief({ name, tag, answer }) {
  const short = answer?.model ? answer.model.title || stem(answer.model) : name;
  return [short, tag && tag.weight !== null ? number(tag.weight) : ""];
}
