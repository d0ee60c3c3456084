import { downloadUrl } from "./api.js";
import { bdi, h, terms } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { duration, facts } from "./words.js";

/** Below a picture: what can be done with it, its prompt, and what else made it. */
export class Caption {
  element = h("div", { class: "caption" });
  #actions;
  #known = false; // whether a recipe is shown

  /** `actions`: `open()`, `reuse(picture, "settings" | "seed")`. */
  constructor(actions) {
    this.#actions = actions;
  }

  /** `recipe` and `facts` are null for a picture that carries none. */
  show(id, { recipe = null, facts = null }) {
    if (this.element.dataset.picture === id && this.#known === Boolean(recipe)) return;
    this.element.dataset.picture = id;
    this.#known = Boolean(recipe);
    const told = recipe ? described(recipe, facts) : [];
    this.element.replaceChildren(this.#buttons(id, recipe), ...told);
  }

  clear() {
    delete this.element.dataset.picture;
    this.element.replaceChildren();
  }

  #buttons(id, recipe) {
    const { open, reuse } = this.#actions;
    const button = (label, name, onclick, place = "") =>
      h("button", { class: `action ${place}`, type: "button", onclick }, icon(name), label);
    const link = { class: "action", href: downloadUrl(id), download: true };
    return h(
      "div",
      { class: "actions" },
      recipe && button(t("caption.reuse_settings"), "again", () => reuse(id, "settings")),
      recipe && button(t("caption.reuse_seed"), "seed", () => reuse(id, "seed")),
      button(t("caption.full_view"), "expand", open, "full"),
      h("a", link, icon("download"), t("caption.download")),
    );
  }
}

function described(recipe, machine) {
  return [
    h("p", { class: "prompt" }, recipe.prompt ? bdi(recipe.prompt) : t("caption.no_prompt")),
    terms([...facts(recipe), ...made(machine)]),
  ];
}

/** What the machine did for it, as `[term, value]` pairs. */
function made(machine) {
  if (!machine) return [];
  const { device, dtype, seconds, healed = [] } = machine;
  const time = seconds == null ? [] : [[t("caption.seconds"), duration(seconds)]];
  const helped = healed.length ? [[t("caption.healed"), healed.join(", ")]] : [];
  return [[t("caption.device"), `${device} · ${dtype}`], ...time, ...helped];
}
