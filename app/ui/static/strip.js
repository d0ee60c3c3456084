import { thumbnailUrl } from "./api.js";
import { arrange, h } from "./dom.js";
import { t } from "./language.js";

/** The row of finished pictures, newest first, with the one being painted in front. */
export class Strip {
  element = h("div", { class: "strip", role: "group", "aria-label": t("strip.label") });
  #choose;
  #tiles = new Map();

  /** `choose(id)` is called with a picture's id, or with null for the one being painted. */
  constructor(choose) {
    this.#choose = choose;
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** `prompts` by id; `live` adds a tile for what is being painted; `chosen` is marked. */
  show(ids, prompts, live, chosen) {
    const wanted = live ? [null, ...ids] : ids;
    const tile = (id) => this.#tiles.get(id) ?? this.#make(id, prompts.get(id));
    this.#tiles = new Map(wanted.map((id) => [id, tile(id)]));
    arrange(this.element, [...this.#tiles.values()]);
    const entry = wanted.includes(chosen) ? chosen : wanted[0];
    for (const [id, element] of this.#tiles) {
      element.setAttribute("aria-pressed", String(id === chosen));
      element.tabIndex = id === entry ? 0 : -1;
    }
    this.element.hidden = wanted.length === 0;
  }

  #make(id, prompt) {
    const live = id === null;
    const named = t("strip.picture", { prompt: prompt || t("caption.no_prompt") });
    const label = live ? t("strip.painting") : named;
    const attributes = { class: live ? "tile live" : "tile", type: "button", "aria-label": label };
    const image = { src: thumbnailUrl(id), alt: "", loading: "lazy", decoding: "async" };
    return h(
      "button",
      { ...attributes, onclick: () => this.#choose(id) },
      live ? h("span", { class: "pulse" }) : h("img", image),
    );
  }

  #key(event) {
    const tiles = [...this.element.children];
    const here = tiles.indexOf(document.activeElement);
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tiles.length - 1 }[
      event.key
    ];
    if (here < 0 || there === undefined || !tiles[there]) return;
    event.preventDefault();
    tiles[there].focus();
    tiles[there].click();
  }
}
