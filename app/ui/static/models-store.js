// The model files that match a wish: how many there are, each page of them when it is needed.

import * as api from "./models-api.js";

const PAGE = 60;

export class ModelStore extends EventTarget {
  wish = null;
  count = 0;
  broken = 0;
  scanning = null;
  #pages = new Map(); // by number: the page, or the promise of one that is on its way
  #turn = 0; // grows with every new start, so that late answers are known as such

  /** Start anew; what is shown stays until the answer is there. "start" tells of it. */
  async load(wish = this.wish) {
    const turn = ++this.#turn;
    const { models, total, broken, scanning } = await api.list(wish, { limit: PAGE, offset: 0 });
    if (turn !== this.#turn) return;
    Object.assign(this, { wish, count: total, broken, scanning });
    this.#pages = new Map([[0, models]]);
    this.dispatchEvent(new Event("start"));
  }

  /** The row at `index`, or null while it is not here. */
  get(index) {
    const page = this.#pages.get(Math.floor(index / PAGE));
    return (Array.isArray(page) && page[index % PAGE]) || null;
  }

  /** The index of a file among those that are here, or -1. */
  indexOf({ role, id }) {
    for (const [number, page] of this.#pages) {
      if (!Array.isArray(page)) continue;
      const place = page.findIndex((row) => row.id === id && row.role === role);
      if (place >= 0) return number * PAGE + place;
    }
    return -1;
  }

  /** Have the rows from `from` up to `to` here; "page" tells of each page that came. */
  need(from, to) {
    for (let number = Math.floor(from / PAGE); number * PAGE < Math.min(to, this.count); number++) {
      if (!this.#pages.has(number)) this.#fetch(number);
    }
  }

  /** A row has changed. */
  update(row) {
    Object.assign(this.get(this.indexOf(row)) ?? {}, row);
    this.dispatchEvent(new Event("page"));
  }

  async #fetch(number) {
    const turn = this.#turn;
    const coming = api.list(this.wish, { limit: PAGE, offset: number * PAGE }).catch(() => null);
    this.#pages.set(number, coming);
    const answer = await coming;
    if (turn !== this.#turn) return;
    if (answer) this.#pages.set(number, answer.models);
    else this.#pages.delete(number); // asked for again when it is next needed
    this.dispatchEvent(new Event("page"));
  }
}
