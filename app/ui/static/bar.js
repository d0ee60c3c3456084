// The model bar: what of the models is in memory, and the line that the bar folds to.

import { ask } from "./api.js";
import { MemoryList } from "./bar-memory.js";
import { line } from "./bar-words.js";
import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { icon } from "./icons.js";
import { keep, kept } from "./kept.js";
import { t } from "./language.js";
import { fail } from "./toast.js";
import { found, values } from "./workspace.js";

const BAR = "model";
const LIST = "memory-list";
const OPEN = "model";

/** A meter with a few words beside it. */
class Gauge {
  #fill = h("i");
  #text = h("span");
  #meter = h("span", { class: "gauge", "aria-hidden": "true" }, this.#fill);
  parts = [this.#meter, this.#text];

  show({ state, text, part }) {
    this.#meter.dataset.state = state;
    this.#fill.style.width = `${Math.round(100 * part)}%`;
    this.#text.textContent = text;
  }
}

/** What is loaded and how many bytes that is; the list of it; the button that frees all of it. */
export function memory(element) {
  const gauge = new Gauge();
  const said = h("span", { class: "unseen", role: "status" });
  const opener = h(
    "button",
    { class: "line", type: "button", popovertarget: LIST, title: t("bar.loaded") },
    ...gauge.parts,
  );
  const press = h("span");
  const help = { id: "memory-free-help", class: "tip", role: "tooltip" };
  const free = h(
    "button",
    { id: "memory-free", type: "button", "aria-describedby": help.id, onclick: freeAll },
    icon("eject"),
    press,
  );
  const list = new MemoryList(LIST, opener);
  const whole = h("div", { class: "memory" }, opener, free, h("span", help, t("bar.free.help")));
  element.replaceChildren(whole, said, list.element);
  feed.subscribe(({ engine }) => {
    const shown = line(engine);
    gauge.show(shown);
    list.update(engine);
    press.textContent = t(engine.freeing ? "bar.freeing" : "bar.free");
    free.disabled = engine.freeing || !["ready", "starting"].includes(engine.state);
    say(said, shown, engine.models);
  });
}

/** A screen reader hears what begins to load and what came of it, not each byte. */
function say(element, { state, name }, models) {
  const sentences = {
    loading: () => t("bar.loading", { name }),
    loaded: () => t("bar.is_loaded", { name: models.checkpoint }),
    empty: () => "",
    free: () => t("bar.freed"),
  };
  const sentence = sentences[state]();
  if (element.textContent !== sentence) element.textContent = sentence;
}

function freeAll() {
  ask("/engine/free", { method: "POST" }).catch(fail);
}

/** The line that stands for the whole bar on a narrow page, and opens it. */
export function fold(element) {
  const gauge = new Gauge();
  const chosen = h("span", { class: "chosen" });
  const button = h(
    "button",
    { class: "line", type: "button", "aria-controls": BAR, onclick: () => open(!isOpen()) },
    chosen,
    ...gauge.parts,
    icon("right"),
  );
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  const open = (wanted) => {
    button.setAttribute("aria-expanded", String(wanted));
    document.getElementById(BAR)?.classList.toggle("open", wanted);
    keep(OPEN, wanted ? "open" : null);
  };
  const choose = (name) => chosen.replaceChildren(bdi(name ?? ""));
  element.replaceChildren(button);
  open(kept(OPEN) !== null);
  found.then(() => choose(values().shared?.checkpoint));
  document.addEventListener("gesso:field", ({ detail: { form, name, value } }) => {
    if (form === "shared" && name === "checkpoint") choose(value);
  });
  feed.subscribe(({ engine }) => gauge.show(line(engine)));
}
