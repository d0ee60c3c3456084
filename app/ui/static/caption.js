import { downloadUrl } from "./api.js";
import { bdi, h, icon, ICONS } from "./dom.js";
import { t } from "./language.js";
import { duration, facts } from "./words.js";

/** Below a picture: what can be done with it, its prompt, and what else made it. */
export class Caption {
  element = h("div", { class: "caption" });
  #actions;
  #id = null;
  #known = false; // whether a recipe is shown

  /** `actions`: `open()`, `reuse(picture, "settings" | "seed")`. */
  constructor(actions) {
    this.#actions = actions;
  }

  /** `recipe` and `facts` are null for a picture that carries none. */
  show(id, { recipe = null, facts = null }) {
    if (this.#id === id && this.#known === Boolean(recipe)) return;
    this.#id = id;
    this.#known = Boolean(recipe);
    const told = recipe ? described(recipe, facts) : [];
    this.element.replaceChildren(this.#buttons(id, recipe), ...told);
  }

  clear() {
    this.#id = null;
    this.element.replaceChildren();
  }

  #buttons(id, recipe) {
    const { open, reuse } = this.#actions;
    const button = (label, path, onclick, name = "") =>
      h("button", { class: `action ${name}`, type: "button", onclick }, icon(path), label);
    const link = { class: "action", href: downloadUrl(id), download: true };
    return h(
      "div",
      { class: "actions" },
      recipe && button(t("caption.reuse_settings"), ICONS.again, () => reuse(id, "settings")),
      recipe && button(t("caption.reuse_seed"), ICONS.seed, () => reuse(id, "seed")),
      button(t("caption.full_view"), ICONS.expand, open, "full"),
      h("a", link, icon(ICONS.download), t("caption.download")),
    );
  }
}

function described(recipe, machine) {
  const pairs = [...facts(recipe), ...made(machine)];
  const terms = pairs.map(([term, value]) =>
    h("div", {}, h("dt", {}, term), h("dd", {}, bdi(value))),
  );
  return [
    h("p", { class: "prompt" }, recipe.prompt ? bdi(recipe.prompt) : t("caption.no_prompt")),
    h("dl", {}, ...terms),
  ];
}

/** What the machine did for it, as `[term, value]` pairs. */
function made(machine) {
  if (!machine) return [];
  const { device, dtype, seconds } = machine;
  const time = seconds == null ? [] : [[t("caption.seconds"), duration(seconds)]];
  return [[t("caption.device"), `${device} · ${dtype}`], ...time];
}
