// Presets: settings kept under a name, in a list that opens beside the form.

import { json } from "./api.js";
import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { fail, offer } from "./toast.js";
import { iconButton } from "./icons.js";
import { n, t } from "./language.js";
import { saveDialog } from "./presets-save.js";
import { anchor } from "./popup.js";
import * as api from "./presets-api.js";

const LIST = "presets-list";

/** Those that Gesso brings along. */
const BUNDLED = new Map([
  ["Careful", "presets.careful"],
  ["Quick sketch", "presets.quick_sketch"],
]);

/** A name as the page says it. */
const label = (name) => (BUNDLED.has(name) ? t(BUNDLED.get(name)) : name);

/** `save({ name, fields, replace })` has what the form holds kept; `props.value` is the answer as
 *  JSON, `{ saved, former }` or `{ error }`. A preset that is chosen is heard of as
 *  `gesso:preset`, with `name`, `values` and `differences`. */
export function presets(element, props, watch, save) {
  let answer = () => {};
  const ask = (asked) =>
    new Promise((resolve) => {
      answer = resolve;
      save(asked);
    });
  watch("value", () => answer(json(props.value)));
  const panel = new Presets(ask);
  element.replaceChildren(panel.button, panel.list);
}

class Presets {
  #entries = h("ul", {});
  #empty = h("p", { hidden: true }, t("presets.empty"));
  #ask;
  #place;

  constructor(ask) {
    this.#ask = ask;
    this.button = h("button", { type: "button", popovertarget: LIST }, t("presets.title"));
    const save = h(
      "button",
      { class: "entry save", type: "button", onclick: () => this.#save() },
      t("presets.save_these"),
    );
    const said = { role: "dialog", "aria-label": t("presets.title") };
    const looks = { id: LIST, class: "popup", popover: "auto", ...said };
    this.list = h("div", looks, this.#entries, this.#empty, save);
    this.list.addEventListener("toggle", ({ newState }) => newState === "open" && this.#opened());
    this.list.addEventListener("keydown", (event) => this.#walk(event));
    this.#place = anchor(this.list, this.button);
  }

  async #opened() {
    try {
      const rows = (await api.list()).map(this.#row, this);
      this.#entries.replaceChildren(...rows);
      this.#empty.hidden = rows.length > 0;
    } catch (error) {
      this.list.hidePopover();
      return fail(error);
    }
    this.#place();
    if (document.activeElement === this.button) this.list.querySelector(".entry").focus();
  }

  #row({ name, values }) {
    const shown = label(name);
    const choose = { class: "entry", type: "button", onclick: () => this.#choose(name) };
    const remove = () => this.#remove(name);
    return h(
      "li",
      {},
      h("button", choose, h("b", {}, bdi(shown)), h("small", {}, bdi(summary(values)))),
      iconButton("trash", t("presets.delete", { name: shown }), remove),
    );
  }

  /** The arrow keys lead through the list. */
  #walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...this.list.querySelectorAll(".entry")];
    const place = entries.indexOf(document.activeElement.closest("li")?.firstChild);
    const from = place < 0 ? entries.indexOf(document.activeElement) : place;
    entries.at((from + step) % entries.length).focus();
  }

  async #choose(name) {
    this.list.hidePopover();
    try {
      const detail = { ...(await api.recall(name)), name: label(name) };
      document.dispatchEvent(new CustomEvent("gesso:preset", { detail }));
    } catch (error) {
      fail(error);
    }
  }

  async #remove(name) {
    this.list.hidePopover();
    try {
      const { values } = await api.remove(name);
      const back = () => api.put(name, values).catch(fail);
      offer(t("presets.deleted", { name: label(name) }), t("form.undo"), back);
    } catch (error) {
      fail(error);
    }
  }

  #save() {
    this.list.hidePopover();
    const save = async (asked) => {
      if (feed.lost) return { message: t("notice.silent"), cure: t("notice.silent.cure") };
      const { error, saved, former } = await this.#ask(asked);
      if (error) return error;
      const back = () => (former ? api.put(saved, former) : api.remove(saved)).catch(fail);
      offer(t("presets.saved", { name: saved }), t("form.undo"), back);
      return null;
    };
    saveDialog(save, () => this.button.focus());
  }
}

/** The values that tell presets apart, in a line. */
function summary({ prompt, sampler, steps, size, checkpoint }) {
  const sides = size && `${size.width} × ${size.height}`;
  const said = [prompt, sampler, steps && n("presets.steps", steps), sides, checkpoint];
  return said.filter(Boolean).join(" · ");
}
