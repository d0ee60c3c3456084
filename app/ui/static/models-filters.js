// What is asked of the list of model files.

import { bdi, h } from "./dom.js";
import { showFolders } from "./folders.js";
import { icon, iconButton } from "./icons.js";
import { n, number, t } from "./language.js";
import { roleName } from "./models-card.js";

const PAUSE_MS = 180; // after the last key, before searching
const SORTS = ["name", "newest", "size", "family"];

export class ModelFilters {
  #changed;
  #timer = 0;
  #search = h("input", {
    type: "search",
    placeholder: t("models.search"),
    "aria-label": t("models.search"),
    maxlength: 200,
    oninput: () => this.#soon(),
  });
  #role = this.#select("models.kind");
  #family = this.#select("models.family");
  #sort = this.#select("models.sort");
  #count = h("span", { class: "count", role: "status" });
  #again;
  #more = h(
    "button",
    {
      class: "toggle more",
      type: "button",
      "aria-expanded": "false",
      "aria-label": t("models.filters"),
      onclick: () => this.#fold(),
    },
    icon("filter"),
  );

  /** `changed(wish)` is called with what is asked for, `rescan()` looks into the folders again. */
  constructor(changed, rescan) {
    this.#changed = changed;
    this.#again = iconButton("again", t("models.rescan"), rescan);
    this.#sort.append(
      ...SORTS.map((sort) => h("option", { value: sort }, t(`models.sort.${sort}`))),
    );
    this.element = h(
      "div",
      { class: "filters", role: "search", "aria-label": t("models.filters") },
      h("label", { class: "search" }, icon("search"), this.#search),
      this.#more,
      h(
        "div",
        { class: "rest" },
        this.#role,
        this.#family,
        this.#sort,
        h("button", { class: "toggle", type: "button", onclick: showFolders }, t("models.folders")),
        this.#again,
      ),
      this.#count,
    );
    this.offer({ roles: {}, families: [] });
  }

  /** What is asked for now. */
  get wish() {
    return {
      text: this.#search.value.trim(),
      role: this.#role.value,
      family: this.#family.value,
      sort: this.#sort.value,
      problems_first: true,
    };
  }

  /** Whether only some files are asked for. */
  get any() {
    const { text, role, family } = this.wish;
    return Boolean(text || role || family);
  }

  focus() {
    this.#search.focus();
  }

  /** Ask for every file again. */
  clear() {
    for (const field of [this.#search, this.#role, this.#family]) field.value = "";
    this.#tell();
  }

  /** Say how many files there are, and how many of them cannot be used. */
  say({ count, broken }) {
    const parts = [n("models.count", count), broken && n("models.broken", broken)];
    const text = parts.filter(Boolean).join(", ");
    if (this.#count.textContent !== text) this.#count.textContent = text;
  }

  /** Folders are being read, or no longer. */
  busy(scanning) {
    this.#again.disabled = scanning;
    this.#again.classList.toggle("turning", scanning);
  }

  /** Offer the kinds and families that there are. */
  offer({ roles, families }) {
    const kinds = Object.keys(roles).map((role) => [role, roleName(role), roles[role]]);
    kinds.sort(([, one], [, other]) => one.localeCompare(other));
    fill(this.#role, t("models.kind.all"), kinds);
    const known = families.map(({ name, label, count }) => [name, label, count]);
    fill(this.#family, t("models.family.all"), known);
  }

  #select(key) {
    return h("select", { "aria-label": t(key), onchange: () => this.#tell() });
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
    this.#changed(this.wish);
  }
}

/** Options of a value, a label and a number each, after one for all; the chosen one stays. */
function fill(select, all, options) {
  const chosen = select.value;
  const made = options.map(([value, label, count]) =>
    h("option", { value }, bdi(`${label} (${number(count)})`)),
  );
  const texts = made.map(({ textContent }) => textContent).join("\n");
  if (select.dataset.texts === texts) return; // an open list would shut
  select.dataset.texts = texts;
  select.replaceChildren(h("option", { value: "" }, all), ...made);
  select.value = options.some(([value]) => value === chosen) ? chosen : "";
}
