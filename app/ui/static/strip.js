import { thumbnailUrl } from "./api.js";
import { h } from "./dom.js";

/** The row of finished pictures, newest first, with the one being painted in front. */
export class Strip {
  element = h("div", { class: "strip", role: "group", "aria-label": "Pictures" });
  #choose;
  #tiles = new Map();

  /** `choose(id)` is called with a picture's id, or with null for the one being painted. */
  constructor(choose) {
    this.#choose = choose;
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show `ids`, with `prompts` by id, a tile for what is being painted if `live`, `chosen` marked. */
  show(ids, prompts, live, chosen) {
    const wanted = live ? [null, ...ids] : ids;
    for (const [id, tile] of this.#tiles) {
      if (!wanted.includes(id)) {
        tile.remove();
        this.#tiles.delete(id);
      }
    }
    wanted.forEach((id, place) => {
      const tile = this.#tiles.get(id) ?? this.#make(id, prompts.get(id));
      if (this.element.children[place] !== tile) this.element.insertBefore(tile, this.element.children[place] ?? null);
      tile.setAttribute("aria-pressed", String(id === chosen));
      tile.tabIndex = id === chosen || (!wanted.includes(chosen) && place === 0) ? 0 : -1;
    });
    this.element.hidden = wanted.length < 1;
  }

  #make(id, prompt) {
    const tile = h(
      "button",
      { class: id === null ? "tile live" : "tile", type: "button", onclick: () => this.#choose(id) },
      id === null ? h("span", { class: "pulse" }) : h("img", { src: thumbnailUrl(id), alt: "", loading: "lazy", decoding: "async" }),
    );
    tile.setAttribute("aria-label", id === null ? "The picture being painted" : `Picture: ${prompt || "no prompt"}`);
    this.#tiles.set(id, tile);
    return tile;
  }

  #key(event) {
    const tiles = [...this.element.children];
    const here = tiles.indexOf(document.activeElement);
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tiles.length - 1 }[event.key];
    if (here < 0 || there === undefined || !tiles[there]) return;
    event.preventDefault();
    tiles[there].focus();
    tiles[there].click();
  }
}
