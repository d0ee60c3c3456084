// The pictures that match a filter: how many of each day at once, each picture when it is needed.

import * as api from "./gallery-api.js";

const PAGE = 100;
const KEPT = 60; // pages, the last ones asked for

export class Store extends EventTarget {
  filter = {};
  days = [];
  count = 0;
  #pages = new Map(); // by number
  #coming = new Map(); // by number: a promise of one that is on its way
  #turn = 0; // grows with every new start, so that late answers are known as such

  /** Start anew. What is shown stays until the answer is there. */
  async load(filter) {
    const turn = ++this.#turn;
    const [days, first] = await Promise.all([
      api.days(filter),
      api.list(filter, { limit: PAGE, offset: 0 }),
    ]);
    if (turn !== this.#turn) return;
    this.filter = filter;
    this.days = days;
    this.count = days.reduce((sum, { count }) => sum + count, 0);
    this.#pages = new Map([[0, first]]);
    this.#coming.clear();
    this.dispatchEvent(new Event("start"));
  }

  /** What is known of the picture at `index`, or null while it is not here. */
  get(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
  }

  /** The index of a picture among those that are here, or -1. */
  indexOf(id) {
    for (const [number, page] of this.#pages) {
      const place = page.findIndex((info) => info.id === id);
      if (place >= 0) return number * PAGE + place;
    }
    return -1;
  }

  /** Have the pictures from index `from` up to `to` here; resolves when they are. */
  async need(from, to) {
    const start = Math.max(0, Math.floor(from / PAGE));
    const end = Math.min(Math.ceil(to / PAGE), Math.ceil(this.count / PAGE));
    const wanted = [];
    for (let number = start; number < end; number++) {
      if (!this.#pages.has(number)) wanted.push(this.#come(number));
    }
    await Promise.all(wanted);
  }

  /** Change what is known of a picture. */
  update(id, change) {
    const info = this.get(this.indexOf(id));
    if (info) Object.assign(info, change);
  }

  #come(number) {
    if (!this.#coming.has(number)) this.#coming.set(number, this.#fetch(number));
    return this.#coming.get(number);
  }

  /** What does not come is asked for again when it is next needed, not at once. */
  async #fetch(number) {
    const days = this.days;
    const place = { limit: PAGE, offset: number * PAGE };
    const page = await api.list(this.filter, place).catch(() => null);
    if (days !== this.days) return; // begun anew
    this.#coming.delete(number);
    if (!page) return;
    this.#keep(number, page);
    this.dispatchEvent(new Event("page"));
  }

  #keep(number, page) {
    this.#pages.set(number, page);
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      if (old !== 0) this.#pages.delete(old);
    }
  }
}
