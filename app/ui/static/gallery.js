// The gallery: all pictures, searched, selected, compared, deleted, and shown over the whole window.

import { Compare } from "./compare.js";
import { h } from "./dom.js";
import { feed } from "./feed.js";
import { favour, onChange, remove } from "./gallery-changes.js";
import { Filters } from "./gallery-filters.js";
import { Grid } from "./gallery-grid.js";
import { Store } from "./gallery-store.js";
import { fail } from "./toast.js";
import { icon } from "./icons.js";
import { n, t } from "./language.js";
import { Lightbox } from "./lightbox.js";
import { shortcut } from "./shortcuts.js";

const LONGEST = 500; // pictures that one selection may be extended over
const PAUSE_MS = 1000; // between two looks at pictures that change

/** Keys that the grid, the full view and the toast listen to themselves. */
const TOLD = [
  ["Space", "gallery.key.select"],
  ["f", "gallery.key.favourite"],
  ["Delete", "gallery.key.delete"],
  ["Mod+z", "gallery.key.undo"],
  ["i", "gallery.key.details"],
];

/** Put the gallery into an element. */
export function gallery(element) {
  return new Gallery(element);
}

class Gallery {
  #store = new Store();
  #selected = new Set();
  #filters = new Filters((filter) => this.#load(filter));
  #grid = new Grid(this.#store, this.#selected, {
    open: (index) => this.#open(index),
    toggle: (index) => this.#toggle(index),
    extend: (index) => this.#extend(index),
    favour: (index) => this.#favourOne(index),
    remove: (index) => this.#remove(index),
  });
  #empty = h("div", { class: "nothing" });
  #bar = h("div", { class: "chosen", role: "toolbar", "aria-label": t("gallery.selection") });
  #lightbox = new Lightbox(
    (offset) => this.#leaf(offset),
    () => this.#store.count && this.#grid.reveal(this.#shown.index),
  );
  #compare = new Compare();
  #from = null; // `{ id, index }` of the picture at which a selection began
  #shown = null; // `{ id, index }` of the picture over the whole window
  #version = null; // of the pictures, as last told
  #loaded; // the version that is shown
  #timer = 0;
  #waits = false; // something changed while the timer ran

  constructor(element) {
    this.element = h(
      "section",
      { id: "gallery", "aria-label": t("tab.gallery"), "data-state": "loading" },
      this.#filters.element,
      this.#grid.element,
      this.#empty,
      this.#bar,
    );
    element.replaceChildren(this.element);
    this.#store.addEventListener("start", () => this.#started());
    onChange((change) => this.#changed(change));
    feed.subscribe((snapshot) => this.#follow(snapshot));
    feed.addEventListener("back", () => this.#look());
    this.#keys();
    // Its tab, or the window, is come back to: the folder may have been changed by hand.
    new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#look()).observe(
      this.element,
    );
    addEventListener("focus", () => this.#look());
  }

  get #visible() {
    return this.element.offsetParent !== null;
  }

  async #load(filter = this.#filters.filter) {
    const version = this.#version;
    try {
      await this.#store.load(filter);
      this.#loaded = version;
    } catch (error) {
      fail(error);
    }
  }

  #follow({ pictures }) {
    this.#version = pictures;
    this.#refresh();
  }

  /** Look again, whether or not a change was told. */
  #look() {
    this.#loaded = undefined;
    this.#refresh();
  }

  /** Look again if something has changed, at most once a second. */
  #refresh() {
    if (!this.#visible || this.#loaded === this.#version) return;
    this.#waits = this.#timer !== 0;
    if (this.#waits) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#waits) this.#refresh();
    }, PAUSE_MS);
    this.#load();
    this.#filters.refresh();
  }

  #started() {
    const { count } = this.#store;
    this.#filters.say(count);
    this.element.dataset.state = count ? "pictures" : "empty";
    if (!count) this.#empty.replaceChildren(...nothing(this.#filters));
    if (this.#shown) this.#shown.index = this.#indexOf(this.#shown);
  }

  #changed({ gone, favourite }) {
    for (const id of gone) this.#selected.delete(id);
    if (favourite) this.#store.update(favourite.id, { favourite: favourite.favourite });
    this.#renderBar();
    this.#grid.draw();
    if (!favourite && this.#visible) this.#load();
  }

  #toggle(index) {
    const id = this.#store.get(index)?.id;
    if (id && !this.#selected.delete(id)) this.#selected.add(id);
    this.#from = { id, index };
    this.#renderBar();
  }

  /** Select everything from where the selection began up to `index`. */
  async #extend(index) {
    this.#from ??= { id: this.#store.get(this.#grid.active)?.id, index: this.#grid.active };
    const from = this.#indexOf(this.#from);
    const start = Math.max(Math.min(from, index), index - LONGEST);
    const end = Math.min(Math.max(from, index), index + LONGEST);
    await this.#store.need(start, end + 1);
    for (let k = start; k <= end; k++) {
      const info = this.#store.get(k);
      if (info) this.#selected.add(info.id);
    }
    this.#renderBar();
    this.#grid.draw();
  }

  #clear() {
    this.#selected.clear();
    this.#from = null;
    this.#renderBar();
    this.#grid.draw();
  }

  #favourOne(index) {
    const info = this.#store.get(index);
    if (info) favour([info.id], !info.favourite);
  }

  #remove(index) {
    const info = this.#store.get(index);
    const ids = this.#selected.size ? [...this.#selected] : info ? [info.id] : [];
    if (ids.length) remove(ids);
  }

  #open(index) {
    const info = this.#store.get(index);
    if (!info) return;
    this.#shown = { id: info.id, index };
    this.#lightbox.open(this.#view());
  }

  async #leaf(offset) {
    const index = this.#indexOf(this.#shown) + offset;
    if (index < 0 || index >= this.#store.count) return null;
    await this.#store.need(index, index + 1);
    const info = this.#store.get(index);
    if (!info) return null;
    this.#shown = { id: info.id, index };
    this.#grid.reveal(index, false);
    return this.#view();
  }

  #view() {
    const { id, index } = this.#shown;
    const description = this.#store.get(index)?.prompt;
    return { id, description, first: index === 0, last: index === this.#store.count - 1 };
  }

  /** Where a picture is now: others may have come or gone since. */
  #indexOf({ id, index }) {
    if (this.#store.get(index)?.id === id) return index;
    const found = this.#store.indexOf(id);
    return found < 0 ? Math.min(index, this.#store.count - 1) : found;
  }

  #renderBar() {
    const count = this.#selected.size;
    this.element.classList.toggle("selecting", count > 0);
    if (!count) return this.#bar.replaceChildren();
    const ids = [...this.#selected];
    const button = (label, name, onclick, disabled = false) =>
      h(
        "button",
        { class: "action", type: "button", disabled, onclick },
        icon(name),
        h("span", {}, label),
      );
    this.#bar.replaceChildren(
      h("span", { class: "number", role: "status" }, n("gallery.selected", count)),
      button(t("compare.title"), "compare", () => this.#compare.open(ids), count !== 2),
      button(t("gallery.favourite"), "star", () => favour(ids, true)),
      button(t("gallery.delete"), "trash", () => remove(ids)),
      button(t("gallery.clear"), "close", () => this.#clear()),
    );
  }

  #keys() {
    const there = () => this.#visible;
    const compare = () => this.#selected.size === 2 && this.#compare.open([...this.#selected]);
    shortcut({ keys: "/", says: "gallery.key.search", run: () => this.#filters.focus(), there });
    shortcut({ keys: "c", says: "gallery.key.compare", run: compare, there });
    for (const [keys, says] of TOLD) shortcut({ keys, says, there });
    // Escape ends a selection before it stops a job.
    const escape = (event) => {
      const open = document.querySelector("dialog[open], :popover-open");
      if (event.key !== "Escape" || open || !this.#visible || !this.#selected.size) return;
      this.#clear();
      event.preventDefault();
    };
    addEventListener("keydown", escape, { capture: true });
  }
}

/** What stands where there are no pictures. */
function nothing(filters) {
  if (!filters.any) {
    return [h("h2", {}, t("gallery.empty")), h("p", { class: "aside" }, t("gallery.empty.cure"))];
  }
  const clear = { class: "chip", type: "button", onclick: () => filters.clear() };
  return [h("h2", {}, t("gallery.none")), h("button", clear, t("gallery.show_all"))];
}
