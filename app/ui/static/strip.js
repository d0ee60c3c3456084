import { thumbnailUrl } from "./api.js";
import { arrange, h } from "./dom.js";
import { t } from "./language.js";

const STEP = 80; // from tile to tile, in pixels
const BEYOND = 480; // drawn to the left and right of what is seen

/** The row of finished pictures, newest first, with the one being painted in front. It goes on as
 *  far as there are pictures; only the tiles near what is seen are there as elements. */
export class Strip {
  #rail = h("div", { class: "rail", role: "presentation" });
  element = h(
    "div",
    { class: "strip", role: "group", "aria-label": t("strip.label"), hidden: true },
    this.#rail,
  );
  #choose;
  #older;
  #ids = []; // null is the picture being painted
  #prompts = new Map();
  #chosen = null;
  #tiles = new Map();
  #asked = 0; // how many there were when older ones were asked for
  #drawing = 0;

  /** `choose(id)` is called with a picture's id, or with null for the one being painted; `older()`
   *  when the end is near. */
  constructor(choose, older = () => {}) {
    this.#choose = choose;
    this.#older = older;
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(this.element);
  }

  /** `prompts` by id; `live` adds a tile for what is being painted; `chosen` is marked. */
  show(ids, prompts, live, chosen) {
    const anchor = this.#ids[Math.round(this.element.scrollLeft / STEP)];
    const before = this.#ids.indexOf(anchor);
    this.#ids = live ? [null, ...ids] : ids;
    this.#prompts = prompts;
    this.#chosen = chosen;
    this.element.hidden = this.#ids.length === 0;
    this.#rail.style.width = `${this.#ids.length * STEP - 8}px`;
    const now = this.#ids.indexOf(anchor);
    // What is looked at stays where it is when a new picture comes in front.
    if (this.element.scrollLeft > 0 && now > before)
      this.element.scrollLeft += (now - before) * STEP;
    this.#draw();
  }

  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
  }

  #draw() {
    const { scrollLeft, clientWidth } = this.element;
    const first = Math.max(0, Math.floor((scrollLeft - BEYOND) / STEP));
    const end = Math.ceil((scrollLeft + clientWidth + BEYOND) / STEP);
    const places = this.#ids.slice(first, end).map((id, k) => [id, first + k]);
    const held = this.#focused();
    if (held >= 0 && (held < first || held >= end)) places.push([this.#ids[held], held]);
    this.#tiles = new Map(places.map(([id]) => [id, this.#tiles.get(id) ?? this.#make(id)]));
    const entry = this.#tiles.has(this.#chosen) ? this.#chosen : this.#ids[first];
    for (const [id, place] of places) {
      const tile = this.#tiles.get(id);
      tile.style.left = `${place * STEP}px`;
      tile.tabIndex = id === entry ? 0 : -1;
      tile.setAttribute("aria-pressed", String(id === this.#chosen));
    }
    arrange(this.#rail, [...this.#tiles.values()]);
    if (end < this.#ids.length || this.#ids.length === this.#asked || !clientWidth) return;
    this.#asked = this.#ids.length;
    this.#older();
  }

  #focused() {
    const found = [...this.#tiles].find(([, tile]) => tile === document.activeElement);
    return found ? this.#ids.indexOf(found[0]) : -1;
  }

  #make(id) {
    const live = id === null;
    const prompt = this.#prompts.get(id) || t("caption.no_prompt");
    const label = live ? t("strip.painting") : t("strip.picture", { prompt });
    const attributes = { class: live ? "tile live" : "tile", type: "button", "aria-label": label };
    const image = { src: thumbnailUrl(id), alt: "", decoding: "async" };
    return h(
      "button",
      { ...attributes, onclick: () => this.#choose(id) },
      live ? h("span", { class: "pulse" }) : h("img", image),
    );
  }

  #key(event) {
    const here = this.#focused();
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: this.#ids.length - 1 }[
      event.key
    ];
    if (here < 0 || this.#ids[there] === undefined) return;
    event.preventDefault();
    const left = there * STEP;
    const { scrollLeft, clientWidth } = this.element;
    if (left < scrollLeft) this.element.scrollLeft = left;
    if (left + STEP > scrollLeft + clientWidth) this.element.scrollLeft = left + STEP - clientWidth;
    this.#choose(this.#ids[there]);
    this.#draw();
    this.#tiles.get(this.#ids[there])?.focus({ preventScroll: true });
  }
}
