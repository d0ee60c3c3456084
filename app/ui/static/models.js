// Every model file in the folders: searched, sorted, looked at, used.

import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { showFolders } from "./folders.js";
import { icon } from "./icons.js";
import { number, t } from "./language.js";
import { counts, rescan, scan } from "./models-api.js";
import { made, preview, roleName, said, stem } from "./models-card.js";
import { ModelDetails } from "./models-details.js";
import { ModelFilters } from "./models-filters.js";
import { ModelGrid } from "./models-grid.js";
import { ModelStore } from "./models-store.js";
import { useModel } from "./models-use.js";
import { shortcut } from "./shortcuts.js";
import { fail } from "./toast.js";

const POLL_MS = 500; // between two looks at folders that are being read
const PAUSE_MS = 1000; // between two looks at files that change
const REST_MS = 3000; // between two looks into the folders that nobody asked for

/** Put the model files into an element. */
export function models(element) {
  return new Models(element);
}

class Models {
  #store = new ModelStore();
  #filters = new ModelFilters(
    (wish) => this.#load(wish),
    () => this.#rescan(),
  );
  #details = new ModelDetails({
    changed: (row) => this.#store.update(row),
    use: useModel,
    closed: () => this.#closed(),
  });
  #grid = new ModelGrid(this.#store, {
    label: t("tab.models"),
    least: 148,
    height: (side) => Math.round(side) + 62,
    card,
    mark: (button, model) => {
      const { model: open } = this.#details;
      button.setAttribute(
        "aria-expanded",
        String(open?.id === model.id && open.role === model.role),
      );
    },
    press: (model) => this.#open(model),
  });
  #empty = h("div", { class: "nothing" });
  #bar = h("progress", { class: "reading", "aria-label": t("models.reading"), hidden: true });
  #timer = 0;
  #stale = true; // something has changed since the list was loaded
  #lookedAt = -Infinity;

  constructor(element) {
    this.element = h(
      "section",
      { id: "models-view", "aria-label": t("tab.models"), "data-state": "loading" },
      this.#filters.element,
      this.#bar,
      h("div", { class: "body" }, this.#grid.element, this.#empty, this.#details.element),
    );
    element.replaceChildren(this.element);
    this.#store.addEventListener("start", () => this.#started());
    feed.watch("models", () => this.#look());
    feed.addEventListener("back", () => this.#look());
    new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#shown()).observe(
      this.element,
    );
    // Perhaps back from the window out of which a file was dropped into a folder.
    addEventListener("focus", () => this.#lookIntoFolders());
    this.element.addEventListener("keydown", (event) => this.#key(event));
    shortcut({
      keys: "/",
      says: "models.key.search",
      run: () => this.#filters.focus(),
      there: () => this.#visible,
    });
  }

  get #visible() {
    return this.element.offsetParent !== null;
  }

  async #load(wish = this.#filters.wish) {
    this.#stale = false;
    try {
      await this.#store.load(wish);
      this.#filters.offer(await counts());
    } catch (error) {
      fail(error);
    }
  }

  #shown() {
    this.#refresh();
    this.#lookIntoFolders();
  }

  /** Have the folders looked into; the feed tells what has changed, and who is lost says so. */
  #lookIntoFolders() {
    if (performance.now() - this.#lookedAt < REST_MS) return;
    this.#lookedAt = performance.now();
    rescan().catch(() => {});
  }

  #look() {
    this.#stale = true;
    this.#refresh();
  }

  /** Look again if something has changed, at most once a second. */
  #refresh() {
    if (!this.#visible || !this.#stale || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#refresh();
    }, PAUSE_MS);
    this.#load();
    this.#details.refresh();
  }

  #started() {
    const { count, scanning } = this.#store;
    this.#filters.say(this.#store);
    this.element.dataset.state = count ? "files" : "empty";
    if (!count) this.#empty.replaceChildren(...nothing(this.#filters));
    if (scanning && this.#bar.hidden) this.#follow(scanning);
  }

  async #rescan() {
    try {
      const { scanning } = await rescan();
      await this.#follow(scanning);
      await this.#load();
    } catch (error) {
      fail(error);
    }
  }

  /** Show how far the folders are read, until they are. */
  async #follow(scanning) {
    this.#filters.busy(true);
    this.#bar.hidden = false;
    while (scanning) {
      Object.assign(this.#bar, { max: Math.max(1, scanning.total), value: scanning.done });
      const { done, total } = scanning;
      this.#bar.title = t("models.reading.of", { done: number(done), total: number(total) });
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      scanning = (await scan().catch(() => ({}))).scanning;
    }
    this.#bar.hidden = true;
    this.#filters.busy(false);
  }

  #open(model) {
    this.element.classList.add("telling");
    this.#details.open(model);
    this.#grid.draw();
    this.#details.element.focus({ preventScroll: true });
  }

  #closed() {
    this.element.classList.remove("telling");
    this.#grid.focus();
  }

  #key(event) {
    if (event.key !== "Escape" || !this.#details.model) return;
    event.preventDefault();
    event.stopPropagation();
    this.#details.close();
  }
}

function card(model) {
  const { problem, convertible, converted, used } = model;
  const idle = converted || !(used || problem);
  return h(
    "button",
    { class: idle ? "model unused" : "model", type: "button", title: model.name },
    preview(model),
    (problem || convertible) && h("span", { class: "badge", "aria-hidden": "true" }, icon("warn")),
    h("span", { class: "name" }, bdi(model.title || stem(model))),
    about(model),
  );
}

/** The line below the name: what is wrong with a file, or what it is. */
function about(model) {
  const { problem, convertible, converted, role } = model;
  if (problem) return said(predicate(problem.message, model), { class: "why" });
  if (convertible) return h("span", { class: "why" }, t("models.pickled"));
  const told = converted ? t("models.converted") : made(model);
  return h("span", { class: "kind" }, [roleName(role), told].filter(Boolean).join(" · "));
}

/** A sentence about a file, without the name that it begins with: that stands above it. */
function predicate(message, model) {
  const name = stem(model);
  return message.startsWith(name) ? message.slice(message.indexOf(" ", name.length) + 1) : message;
}

/** What stands where there are no files. */
function nothing(filters) {
  const chip = (label, onclick) => h("button", { class: "chip", type: "button", onclick }, label);
  if (filters.any) {
    return [h("h2", {}, t("models.none")), chip(t("models.show_all"), () => filters.clear())];
  }
  return [h("h2", {}, t("models.empty")), chip(t("folders.title"), showFolders)];
}
