import { thumbnailUrl } from "./api.js";
import { arrange, h } from "./dom.js";
import { dayName } from "./gallery-details.js";
import { Layout } from "./gallery-layout.js";
import { icon } from "./icons.js";
import { n, t } from "./language.js";

const WIDEST = 208; // a square is at most so wide, in pixels
const BEYOND = 600; // drawn above and below what is seen
const HOLD_MS = 450; // a finger that rests so long selects

/** The pictures of a `Store` as squares under their days. Only what is near the window is there as
 *  elements, whatever the number; the height is that of all. */
export class Grid {
  #canvas = h("div", { class: "rows", role: "presentation" });
  element = h(
    "div",
    {
      class: "grid",
      role: "grid",
      "aria-multiselectable": "true",
      "aria-label": t("gallery.grid"),
    },
    this.#canvas,
  );
  #store;
  #selected;
  #act;
  #layout = new Layout([], 800, WIDEST);
  #rows = new Map();
  #active = 0;
  #held = null; // the id of the picture there: others may come or go before it
  #drawing = 0;

  /** `selected` is the set of chosen ids; `act`: `open(index)`, `toggle(index)`, `extend(index)`,
   *  `favour(index)`, `remove(index)`. */
  constructor(store, selected, act) {
    this.#store = store;
    this.#selected = selected;
    this.#act = act;
    this.element.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("keyup", keepSpace);
    this.element.addEventListener("focusin", ({ target }) => {
      const cell = target.closest(".cell");
      if (cell) this.#hold(Number(cell.dataset.index));
    });
    this.#holds();
    store.addEventListener("start", () => this.#start());
    store.addEventListener("page", () => this.#follow());
    new ResizeObserver(() => this.#start()).observe(this.element);
  }

  /** The index of the picture that has the focus, or would get it. */
  get active() {
    return this.#active;
  }

  /** Show the picture at `index`, and give it the focus if `focus`. */
  reveal(index, focus = true) {
    this.#hold(index);
    const { top } = this.#layout.place(index);
    const { scrollTop, clientHeight } = this.element;
    const bottom = top + this.#layout.step;
    if (top < scrollTop) this.element.scrollTop = top - 8;
    else if (bottom > scrollTop + clientHeight) this.element.scrollTop = bottom - clientHeight;
    this.draw();
    if (focus) this.#cell(index)?.querySelector(".shot").focus({ preventScroll: true });
  }

  /** Draw what is seen now. */
  draw() {
    const { scrollTop, clientHeight } = this.element;
    const seen = this.#layout.between(scrollTop - BEYOND, scrollTop + clientHeight + BEYOND);
    const rows = seen.map((row) => [row.key, this.#rows.get(row.key) ?? make(row)]);
    this.#rows = new Map(rows);
    seen.forEach((row, k) => this.#fill(rows[k][1], row));
    arrange(this.#canvas, [...this.#rows.values()]);
    this.#need(seen);
  }

  /** The days are others, or the window is: everything has a new place. */
  #start() {
    if (!this.element.clientWidth) return;
    const anchor = this.#anchor();
    const focused = this.#canvas.contains(document.activeElement);
    const width = this.#canvas.clientWidth;
    this.#layout = new Layout(this.#store.days, width, width < 600 ? width / 2.2 : WIDEST);
    this.#rows.clear();
    this.#canvas.style.height = `${this.#layout.height}px`;
    this.element.style.setProperty("--side", `${this.#layout.side}px`);
    this.element.setAttribute("aria-rowcount", this.#layout.lines);
    this.element.setAttribute("aria-colcount", this.#layout.columns);
    if (anchor) this.#scrollTo(anchor);
    this.#follow(focused);
  }

  #hold(index) {
    this.#active = index;
    this.#held = this.#store.get(index)?.id ?? null;
  }

  /** The picture that has the focus keeps it, wherever it stands now; its neighbour if it is gone. */
  #follow(focused = this.#canvas.contains(document.activeElement)) {
    const found = this.#held === null ? -1 : this.#store.indexOf(this.#held);
    this.#active = found >= 0 ? found : Math.max(0, Math.min(this.#active, this.#store.count - 1));
    this.draw();
    const shot = focused && this.#cell(this.#active)?.querySelector(".shot");
    if (shot && !shot.parentElement.contains(document.activeElement)) {
      shot.focus({ preventScroll: true });
    }
  }

  /** The day at the top of what is seen, and how far below it that is. */
  #anchor() {
    const { scrollTop } = this.element;
    if (scrollTop === 0) return null;
    const section = this.#layout.sections.findLast(({ top }) => top <= scrollTop);
    return section && { day: section.day, below: (scrollTop - section.top) / section.height };
  }

  #scrollTo({ day, below }) {
    const section = this.#layout.sections.find((one) => one.day <= day);
    this.element.scrollTop = section ? section.top + below * section.height : 0;
  }

  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.draw();
    });
  }

  #need(seen) {
    const rows = seen.filter(({ from }) => from !== undefined);
    if (rows.length) this.#store.need(rows[0].from, rows.at(-1).to);
  }

  #fill(element, { from, to, line, top }) {
    element.style.transform = `translateY(${top}px)`;
    element.setAttribute("aria-rowindex", line + 1);
    if (from === undefined) return;
    for (let index = from; index < to; index++) {
      const info = this.#store.get(index);
      const there = element.children[index - from];
      const cell = there?.dataset.id === (info?.id ?? "") ? there : tile(info);
      if (there !== cell) element.insertBefore(cell, there ?? null);
      if (there && there !== cell) there.remove();
      cell.dataset.index = index;
      cell.setAttribute("aria-colindex", index - from + 1);
      this.#mark(cell, info, index);
    }
    while (element.children.length > to - from) element.lastChild.remove();
  }

  #mark(cell, info, index) {
    const selected = info !== null && this.#selected.has(info.id);
    cell.setAttribute("aria-selected", String(selected));
    cell.querySelector(".shot").tabIndex = index === this.#active ? 0 : -1;
    cell.querySelector(".pick").setAttribute("aria-pressed", String(selected));
    cell.querySelector(".star").setAttribute("aria-pressed", String(info?.favourite ?? false));
  }

  #cell(index) {
    return this.#canvas.querySelector(`[data-index="${index}"]`);
  }

  #click(event) {
    const cell = event.target.closest(".cell");
    if (!cell?.dataset.id) return;
    const index = Number(cell.dataset.index);
    this.#hold(index);
    if (event.target.closest(".star")) this.#act.favour(index);
    else if (event.shiftKey) this.#act.extend(index);
    else if (event.target.closest(".pick") || event.ctrlKey || event.metaKey)
      this.#act.toggle(index);
    else this.#act.open(index);
    this.draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest(".shot")) return;
    if (event.repeat && event.key === "Delete") return; // one press, one picture
    const index = this.#layout.next(this.#active, event.key);
    if (index !== undefined) {
      if (event.shiftKey) this.#act.extend(index);
      this.reveal(index);
    } else {
      const act = { " ": "toggle", f: "favour", F: "favour", Delete: "remove" }[event.key];
      if (!act) return;
      this.#act[act](this.#active);
      this.draw();
    }
    event.preventDefault();
  }

  /** A finger that rests on a picture selects it. */
  #holds() {
    let timer = 0;
    let held = false;
    const end = () => clearTimeout(timer);
    this.element.addEventListener("pointerdown", ({ pointerType, target }) => {
      held = false;
      const cell = pointerType === "touch" ? target.closest(".cell") : null;
      if (!cell?.dataset.id) return;
      timer = setTimeout(() => {
        held = true;
        this.#act.toggle(Number(cell.dataset.index));
        this.draw();
      }, HOLD_MS);
    });
    for (const event of ["pointerup", "pointercancel"]) this.element.addEventListener(event, end);
    this.element.addEventListener("contextmenu", (event) => held && event.preventDefault());
    const swallow = (event) => {
      if (held) event.stopPropagation();
      held = false;
    };
    this.element.addEventListener("click", swallow, { capture: true });
  }
}

/** Space selects; some browsers would press the button as well when it is let go. */
function keepSpace(event) {
  if (event.key === " " && event.target.closest(".shot")) event.preventDefault();
}

/** A row of the grid: a day's heading, or as many cells as there are columns. */
function make({ section, from }) {
  if (from !== undefined) return h("div", { class: "row", role: "row" });
  const count = n("gallery.count", section.count);
  const name = h("h2", {}, dayName(section.day), h("span", { class: "number" }, count));
  return h("div", { class: "day", role: "row" }, h("div", { role: "gridcell" }, name));
}

/** A cell; without `info` the place of a picture that is on its way. */
function tile(info) {
  const small = { class: "mark", type: "button", tabindex: -1 };
  const label = t("strip.picture", { prompt: info?.prompt || t("caption.no_prompt") });
  const image = info && h("img", { src: thumbnailUrl(info.id), alt: "", decoding: "async" });
  image?.addEventListener("load", () => image.classList.add("here"));
  return h(
    "div",
    { class: "cell", role: "gridcell", "data-id": info?.id ?? "" },
    h("button", { class: "shot", type: "button", "aria-label": label }, image),
    h(
      "button",
      { ...small, class: "mark pick", "aria-label": t("gallery.select") },
      icon("check"),
    ),
    h(
      "button",
      { ...small, class: "mark star", "aria-label": t("gallery.favourite") },
      icon("star"),
    ),
  );
}
