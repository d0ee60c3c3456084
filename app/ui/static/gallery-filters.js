import { bdi, h } from "./dom.js";
import { checkpoints } from "./gallery-api.js";
import { icon } from "./icons.js";
import { n, t } from "./language.js";

const PAUSE_MS = 180; // after the last key, before searching
const SEED = /^\s*seed:\s*(\d{1,20})\s*$/i;

/** What to show: words, favourites, checkpoint, days. */
export class Filters {
  #changed;
  #timer = 0;
  #names = ""; // of the checkpoints offered
  #text = h("input", {
    type: "search",
    placeholder: t("gallery.search"),
    "aria-label": t("gallery.search"),
    maxlength: 500,
    oninput: () => this.#soon(),
  });
  #favourites = h(
    "button",
    { class: "toggle star", type: "button", "aria-pressed": "false", onclick: () => this.#flip() },
    icon("star"),
    h("span", {}, t("gallery.favourites")),
  );
  #checkpoint = h("select", {
    "aria-label": t("field.checkpoint.label"),
    onchange: () => this.#tell(),
  });
  #from = this.#date("gallery.from");
  #to = this.#date("gallery.to");
  #count = h("span", { class: "count", role: "status" });
  #more = h(
    "button",
    {
      class: "toggle more",
      type: "button",
      "aria-expanded": "false",
      "aria-label": t("gallery.filters"),
      onclick: () => this.#fold(),
    },
    icon("filter"),
  );
  #rest = h(
    "div",
    { class: "rest" },
    this.#favourites,
    this.#checkpoint,
    h("label", {}, h("span", {}, t("gallery.from")), this.#from),
    h("label", {}, h("span", {}, t("gallery.to")), this.#to),
  );
  element = h(
    "div",
    { class: "filters", role: "search", "aria-label": t("gallery.filters") },
    h("label", { class: "search" }, icon("search"), this.#text),
    this.#more,
    this.#rest,
    this.#count,
  );

  /** `changed(filter)` is called with what is asked for. */
  constructor(changed) {
    this.#changed = changed;
    this.#checkpoint.append(h("option", { value: "" }, t("gallery.any_checkpoint")));
  }

  /** What is asked for now. "seed: 123" in the search box asks for a seed. */
  get filter() {
    const text = this.#text.value.trim();
    const seed = SEED.exec(text)?.[1];
    return {
      text: seed ? "" : text,
      seed: seed ?? "",
      favourite: this.#favourites.getAttribute("aria-pressed") === "true",
      checkpoint: this.#checkpoint.value,
      from: this.#from.value,
      to: this.#to.value,
    };
  }

  /** Whether anything is asked for at all. */
  get any() {
    return Object.values(this.filter).some(Boolean);
  }

  /** Ask for everything again. */
  clear() {
    for (const field of [this.#text, this.#checkpoint, this.#from, this.#to]) field.value = "";
    this.#favourites.setAttribute("aria-pressed", "false");
    this.#tell();
  }

  focus() {
    this.#text.focus();
  }

  /** Say how many pictures there are. */
  say(count) {
    const text = n("gallery.count", count);
    if (this.#count.textContent !== text) this.#count.textContent = text;
  }

  /** Offer the checkpoints that there are pictures of. */
  async refresh() {
    const found = await checkpoints().catch(() => []);
    const chosen = this.#checkpoint.value;
    const names = found.map(({ name }) => name);
    if (chosen && !names.includes(chosen)) names.push(chosen);
    if (names.join("\n") === this.#names) return; // an open list would shut
    this.#names = names.join("\n");
    const options = names.map((name) => h("option", { value: name }, bdi(name)));
    this.#checkpoint.replaceChildren(this.#checkpoint.firstChild, ...options);
    this.#checkpoint.value = chosen;
  }

  #date(key) {
    return h("input", { type: "date", "aria-label": t(key), onchange: () => this.#tell() });
  }

  #flip() {
    const on = this.#favourites.getAttribute("aria-pressed") === "true";
    this.#favourites.setAttribute("aria-pressed", String(!on));
    this.#tell();
  }

  #fold() {
    const open = this.element.classList.toggle("open");
    this.#more.setAttribute("aria-expanded", String(open));
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), PAUSE_MS);
  }

  #tell() {
    clearTimeout(this.#timer);
    this.#changed(this.filter);
  }
}
