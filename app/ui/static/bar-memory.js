// What is loaded, where it lies and how many bytes it has, in a list that opens below the line.

import { tiers, whereabouts } from "./bar-words.js";
import { bdi, h } from "./dom.js";
import { t } from "./language.js";
import { anchor } from "./popup.js";
import { bytes } from "./words.js";

const PLACEMENTS = { offload: "bar.placement.offload", stream: "bar.placement.stream" };

export class MemoryList {
  #engine = {};
  #models = h("ul", {});
  #tiers = h("dl", {});
  #told = h("p", {});
  #place;

  /** `beside` is what it opens under. */
  constructor(id, beside) {
    this.element = h(
      "div",
      { id, class: "popup", popover: "auto", role: "dialog", "aria-label": t("bar.loaded") },
      h("h2", {}, t("bar.loaded")),
      this.#models,
      this.#tiers,
      this.#told,
    );
    this.element.addEventListener("toggle", () => this.#render());
    this.#place = anchor(this.element, beside, "right");
  }

  update(engine) {
    this.#engine = engine;
    this.#render();
  }

  #render() {
    if (!this.element.matches(":popover-open")) return;
    const { models } = this.#engine;
    const loaded = models?.models ?? [];
    this.#models.replaceChildren(...loaded.map((model) => row(models, model)));
    this.#tiers.replaceChildren(...(models ? tiers(models).map(tier) : []));
    const placement = PLACEMENTS[models?.placement];
    this.#told.textContent = placement ? t(placement) : loaded.length ? "" : t("bar.empty");
    this.#place();
  }
}

function row(models, model) {
  const { name, role, bytes: size, in_use: used } = model;
  const kind = `${t(`models.role.${role}`)} · ${whereabouts(models, model)}`;
  return h(
    "li",
    { class: used ? "used" : null },
    h("span", {}, h("b", {}, bdi(name)), h("small", {}, kind)),
    h("span", { class: "bytes" }, bytes(size)),
  );
}

function tier({ label, text, part }) {
  const bar = h("i", { style: `width:${Math.round(100 * part)}%` });
  const meter = h("span", { class: "gauge", "aria-hidden": "true" }, bar);
  return h("div", {}, h("dt", {}, label), h("dd", {}, meter, text));
}
