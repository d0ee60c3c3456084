// Where each picture of the grid stands, without an element: days one below the other, each with a
// heading and rows of squares. Pure; all lengths in pixels.

const GAP = 8;
const HEADING = 48;
const PAGE_ROWS = 4;

/** The places of all pictures; `days` is `[{ day, count }]`, in the order in which they stand. */
export class Layout {
  constructor(days, width, widest) {
    this.columns = Math.max(2, Math.ceil((width + GAP) / (widest + GAP)));
    this.side = (width - GAP * (this.columns - 1)) / this.columns;
    this.step = this.side + GAP;
    this.sections = [];
    let [first, top, line] = [0, 0, 0];
    for (const { day, count } of days) {
      const rows = Math.ceil(count / this.columns);
      const height = HEADING + rows * this.step;
      this.sections.push({ day, count, first, top, line, rows, height });
      first += count;
      top += height;
      line += rows + 1;
    }
    this.count = first;
    this.height = top;
    this.lines = line;
  }

  /** The section of the picture at `index`. */
  sectionOf(index) {
    return this.sections[last(this.sections, ({ first }) => first <= index)];
  }

  /** `{ top, left, row, column }` of the picture at `index`; rows count within its day. */
  place(index) {
    const section = this.sectionOf(index);
    const [row, column] = this.#cell(section, index);
    return { top: this.#top(section, row), left: column * this.step, row, column };
  }

  /** What stands between two heights: headings `{ key, line, top, section }`, and rows, which have
   *  the indices `from` up to `to` as well. */
  between(top, bottom) {
    const found = [];
    const start = Math.max(
      0,
      last(this.sections, (section) => section.top <= top),
    );
    for (let k = start; k < this.sections.length && this.sections[k].top < bottom; k++) {
      const section = this.sections[k];
      const { day, first, count, line, rows } = section;
      if (section.top + HEADING > top) found.push({ key: day, line, top: section.top, section });
      const into = top - section.top - HEADING;
      for (let row = Math.max(0, Math.floor(into / this.step)); row < rows; row++) {
        const at = this.#top(section, row);
        if (at >= bottom) break;
        const from = first + row * this.columns;
        const to = Math.min(from + this.columns, first + count);
        found.push({ key: `${day} ${row}`, line: line + row + 1, top: at, section, from, to });
      }
    }
    return found;
  }

  /** The index to which a key leads from `index`; undefined for a key that leads nowhere. */
  next(index, key) {
    const within = (place) => Math.min(Math.max(place, 0), this.count - 1);
    switch (key) {
      case "ArrowLeft":
        return within(index - 1);
      case "ArrowRight":
        return within(index + 1);
      case "ArrowUp":
        return this.#vertical(index, -1);
      case "ArrowDown":
        return this.#vertical(index, 1);
      case "PageUp":
        return this.#repeat(index, -1);
      case "PageDown":
        return this.#repeat(index, 1);
      case "Home":
        return 0;
      case "End":
        return within(this.count - 1);
    }
  }

  #cell({ first }, index) {
    return [Math.floor((index - first) / this.columns), (index - first) % this.columns];
  }

  #top(section, row) {
    return section.top + HEADING + row * this.step;
  }

  /** The picture above or below; the days before and after go on in the same column. */
  #vertical(index, way) {
    const section = this.sectionOf(index);
    const [row, column] = this.#cell(section, index);
    const wanted = row + way;
    if (wanted >= 0 && wanted < section.rows) return this.#at(section, wanted, column);
    const other = this.sections[this.sections.indexOf(section) + way];
    if (!other) return index;
    return this.#at(other, way < 0 ? other.rows - 1 : 0, column);
  }

  #at({ first, count }, row, column) {
    return first + Math.min(row * this.columns + column, count - 1);
  }

  #repeat(index, way) {
    for (let k = 0; k < PAGE_ROWS; k++) index = this.#vertical(index, way);
    return index;
  }
}

/** The place of the last item that meets a condition met by all before it; -1 when none does. */
function last(items, met) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (met(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
