// Model files as cards of one size, in rows. Only those near the window are there as elements.

import { arrange, h } from "./dom.js";

const GAP = 12;
const BEYOND = 400; // drawn above and below what is seen, in pixels

/** The index to which a key leads from `index`, in rows of `columns`; undefined for other keys. */
export function next(index, key, { count, columns, rows }) {
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * rows,
    PageDown: columns * rows,
  };
  if (!count) return undefined;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!(key in steps)) return undefined;
  const wanted = index + steps[key];
  if (steps[key] === -1 || steps[key] === 1) return Math.min(Math.max(wanted, 0), count - 1);
  if (wanted < 0) return index % columns;
  if (wanted < count) return wanted;
  const last = Math.floor((count - 1) / columns);
  if (Math.floor(index / columns) === last) return index;
  return Math.min(last * columns + (index % columns), count - 1);
}

/** How many columns of at least `least` pixels there are in a width, and how wide each is then. */
export function columnsIn(width, least) {
  const columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  return { columns, side: (width - GAP * (columns - 1)) / columns };
}

/** The rows of a `ModelStore` as cards. `element` scrolls. */
export class ModelGrid {
  #lane = h("div", { class: "lane", role: "presentation" });
  #store;
  #look;
  #rows = new Map();
  #active = 0;
  #step = 1;
  #columns = 1;
  #drawing = 0;

  /** `look`: the `label` of the grid, the `least` width of a card and its `height(side)`; `card(row)`
   *  makes one, a button, `mark(card, row)` keeps it up to date, `press(row)` is called with the row
   *  of one that is pressed. */
  constructor(store, look) {
    this.#store = store;
    this.#look = look;
    this.element = h("div", { class: "cards", role: "grid", "aria-label": look.label }, this.#lane);
    this.element.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("focusin", ({ target }) => {
      const cell = target.closest("[data-index]");
      if (cell) this.#active = Number(cell.dataset.index);
    });
    store.addEventListener("start", () => this.start());
    store.addEventListener("page", () => this.draw());
    new ResizeObserver(() => this.start()).observe(this.element);
  }

  /** The rows are others, or the width is. */
  start() {
    const width = this.#lane.clientWidth;
    if (!width) return;
    const focused = this.#lane.contains(document.activeElement);
    const before = this.#seenAt();
    const { columns, side } = columnsIn(width, this.#look.least);
    const height = this.#look.height(side);
    this.#columns = columns;
    this.#step = height + GAP;
    this.#rows.clear();
    const rows = Math.ceil(this.#store.count / columns);
    this.#lane.style.height = `${Math.max(0, rows * this.#step - GAP)}px`;
    this.element.style.setProperty("--side", `${side}px`);
    this.element.style.setProperty("--height", `${height}px`);
    this.element.setAttribute("aria-rowcount", rows);
    this.element.setAttribute("aria-colcount", columns);
    this.#active = Math.max(0, Math.min(this.#active, this.#store.count - 1));
    // The card that has the focus stays where it was seen, also when the rows get shorter.
    if (before !== null) this.element.scrollTop = this.#top(this.#active) - before;
    this.draw();
    if (focused) this.focus(this.#active);
  }

  /** Draw what is seen now. */
  draw() {
    const { scrollTop, clientHeight } = this.element;
    const last = Math.ceil(this.#store.count / this.#columns);
    const first = Math.max(0, Math.floor((scrollTop - BEYOND) / this.#step));
    const end = Math.min(last, Math.ceil((scrollTop + clientHeight + BEYOND) / this.#step));
    const seen = Array.from({ length: Math.max(0, end - first) }, (_, k) => first + k);
    this.#rows = new Map(
      seen.map((row) => [row, this.#rows.get(row) ?? h("div", { class: "row", role: "row" })]),
    );
    for (const [row, element] of this.#rows) this.#fill(element, row);
    arrange(this.#lane, [...this.#rows.values()]);
    if (seen.length) this.#store.need(first * this.#columns, end * this.#columns);
  }

  /** Give the focus to the card at `index`, wherever it is. */
  focus(index = this.#active) {
    this.#active = index;
    const top = this.#top(index);
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    const below = top + this.#step - scrollTop - clientHeight;
    if (below > 0) this.element.scrollTop = scrollTop + below;
    this.draw();
    this.#lane.querySelector(`[data-index="${index}"] button`)?.focus({ preventScroll: true });
  }

  #top(index) {
    return Math.floor(index / this.#columns) * this.#step;
  }

  /** How far below the upper edge the active card stands; null where it is not seen. */
  #seenAt() {
    const { scrollTop, clientHeight } = this.element;
    const below = this.#top(this.#active) - scrollTop;
    return below > -this.#step && below < clientHeight ? below : null;
  }

  #fill(element, row) {
    element.style.transform = `translateY(${row * this.#step}px)`;
    element.setAttribute("aria-rowindex", row + 1);
    const from = row * this.#columns;
    const to = Math.min(from + this.#columns, this.#store.count);
    for (let index = from; index < to; index++) {
      const model = this.#store.get(index);
      const there = element.children[index - from];
      const key = model ? `${model.role} ${model.id} ${model.preview_version}` : "";
      const cell = there?.dataset.key === key ? there : this.#cell(model, key);
      if (there && there !== cell) replace(there, cell);
      if (!there) element.append(cell);
      cell.dataset.index = index;
      cell.setAttribute("aria-colindex", index - from + 1);
      const button = cell.firstChild;
      button.tabIndex = index === this.#active ? 0 : -1;
      if (model) this.#look.mark(button, model);
    }
    while (element.children.length > to - from) element.lastChild.remove();
  }

  #cell(model, key) {
    const button = model
      ? this.#look.card(model)
      : h("button", { class: "model coming", type: "button", "aria-disabled": "true" });
    return h("div", { role: "gridcell", "data-key": key }, button);
  }

  #soon() {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.draw();
    });
  }

  #click({ target }) {
    const cell = target.closest("button") && target.closest("[data-index]");
    const model = cell && this.#store.get(Number(cell.dataset.index));
    if (!model) return;
    this.#active = Number(cell.dataset.index);
    this.#look.press(model);
    this.draw();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = Math.max(1, Math.floor(this.element.clientHeight / this.#step));
    const shape = { count: this.#store.count, columns: this.#columns, rows };
    const index = next(this.#active, event.key, shape);
    if (index === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.focus(index);
  }
}

/** Put another cell in place of one, which may have the focus. */
function replace(there, cell) {
  const focused = there.contains(document.activeElement);
  there.replaceWith(cell);
  if (focused) cell.firstChild.focus({ preventScroll: true });
}
