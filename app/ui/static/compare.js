import { pictureUrl } from "./api.js";
import { over } from "./dialog.js";
import { bdi, h } from "./dom.js";
import { picture } from "./gallery-api.js";
import { icon, iconButton } from "./icons.js";
import { t } from "./language.js";
import { facts } from "./words.js";

/** Two pictures, one over the other, with a slider between them; below, what differs. */
export class Compare {
  #left = h("img", { alt: "" });
  #right = h("img", { alt: "" });
  #slider = h("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 50,
    "aria-label": t("compare.slider"),
    oninput: () => this.#split(),
  });
  #frame = h(
    "div",
    { class: "frame" },
    this.#right,
    this.#left,
    h("div", { class: "handle", "aria-hidden": "true" }, icon("compare")),
    this.#slider,
  );
  #differences = h("div", { class: "differences" });
  #dialog;
  #ids = [];

  constructor() {
    const swap = () => this.#show([...this.#ids].reverse());
    this.#dialog = h(
      "dialog",
      { id: "compare", "aria-label": t("compare.title") },
      h(
        "div",
        { class: "bar" },
        h("h2", {}, t("compare.title")),
        iconButton("swap", t("compare.swap"), swap),
        iconButton("close", t("lightbox.close"), () => this.#dialog.close()),
      ),
      h("div", { class: "wall" }, this.#frame),
      this.#differences,
    );
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
    this.#left.addEventListener("load", () => this.#fit());
  }

  /** Compare the pictures of two ids. */
  open(ids) {
    over(this.#dialog);
    this.#slider.value = 50;
    this.#split();
    this.#show(ids);
    this.#dialog.showModal();
    this.#slider.focus();
  }

  async #show(ids) {
    this.#ids = ids;
    this.#left.src = pictureUrl(ids[0]);
    this.#right.src = pictureUrl(ids[1]);
    const known = await Promise.all(ids.map((id) => picture(id).catch(() => null)));
    if (ids === this.#ids) this.#differences.replaceChildren(...differences(known));
  }

  #split() {
    this.#frame.style.setProperty("--split", `${this.#slider.value}%`);
  }

  #fit() {
    const { naturalWidth: wide, naturalHeight: tall } = this.#left;
    if (wide && tall) this.#frame.style.setProperty("--ratio", wide / tall);
  }
}

/** A table of what two pictures do not have in common. */
function differences([left, right]) {
  if (!left?.recipe || !right?.recipe) return [h("p", { class: "aside" }, t("gallery.no_recipe"))];
  const [ours, theirs] = [left, right].map(({ recipe }) => new Map(said(recipe)));
  const terms = [...new Set([...ours.keys(), ...theirs.keys()])];
  const other = terms.filter((term) => String(ours.get(term)) !== String(theirs.get(term)));
  if (!other.length) return [h("p", { class: "aside" }, t("compare.same"))];
  const row = (term) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, term),
      h("td", {}, bdi(ours.get(term) ?? "–")),
      h("td", {}, bdi(theirs.get(term) ?? "–")),
    );
  const heads = ["compare.setting", "compare.left", "compare.right"];
  const head = h("tr", {}, ...heads.map((key) => h("th", { scope: "col" }, t(key))));
  return [h("table", { tabindex: 0 }, h("thead", {}, head), h("tbody", {}, ...other.map(row)))];
}

function said(recipe) {
  return [
    [t("field.prompt.label"), recipe.prompt],
    [t("field.negative_prompt.label"), recipe.negative_prompt],
    ...facts(recipe),
  ];
}
