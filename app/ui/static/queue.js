// The queue: a drawer over the page, and the button in the masthead that opens it.

import { arrange, h } from "./dom.js";
import { feed } from "./feed.js";
import { icon, iconButton } from "./icons.js";
import { n, t } from "./language.js";
import * as api from "./queue-api.js";
import { button, endedRow, interruptedRow, RunningRow, waitingRow } from "./queue-rows.js";

const ENDED = ["done", "failed", "cancelled"];

export async function queue(element) {
  const drawer = new Drawer();
  element.replaceChildren(drawer.element);
  (await masthead()).append(drawer.opener);
  feed.subscribe((snapshot) => drawer.update(snapshot));
}

/** The place for buttons, once the head of the page is built. */
async function masthead() {
  for (;;) {
    const place = document.getElementById("masthead-actions");
    if (place) return place;
    await new Promise((built) => setTimeout(built, 30));
  }
}

class Drawer {
  #snapshot = null;
  #badge = h("span", { class: "badge", "aria-hidden": "true" });
  #pause = h("button", { class: "plain", type: "button", onclick: () => this.#togglePause() });
  #paused = h("p", { class: "told", role: "status" });
  #running = new RunningRow();
  #interrupted = new Group("queue.interrupted", interruptedRow);
  #waiting = new Group("queue.waiting", (job) => waitingRow(job, (...how) => this.#move(...how)), {
    ordered: true,
    clear: button("queue.clear_waiting", () => api.clear("waiting")),
  });
  #ended = new Group("queue.ended", endedRow, {
    clear: button("queue.clear_ended", () => api.clear("ended")),
  });
  #empty = h("p", { class: "empty" }, t("queue.empty"));
  opener = h(
    "button",
    { id: "queue-button", class: "quiet", type: "button", onclick: () => this.open() },
    icon("queue"),
    h("span", { class: "word", "aria-hidden": "true" }, t("queue.title")),
    this.#badge,
  );
  element = h(
    "dialog",
    { id: "queue-drawer", "aria-labelledby": "queue-title" },
    h(
      "header",
      {},
      h("h2", { id: "queue-title" }, t("queue.title")),
      this.#pause,
      iconButton("close", t("dialog.close"), () => this.element.close()),
    ),
    this.#paused,
    this.#running.element,
    this.#interrupted.element,
    this.#waiting.element,
    this.#ended.element,
    this.#empty,
  );

  constructor() {
    this.element.addEventListener("click", ({ target }) => {
      if (target === this.element) this.element.close();
    });
    dragging(this.#waiting.list, (job, before) => this.#put(job, before));
  }

  open() {
    this.element.showModal();
    this.#render();
  }

  update(snapshot) {
    this.#snapshot = snapshot;
    const { waiting, interrupted, paused } = snapshot.queue;
    const running = snapshot.jobs.filter(({ state }) => state === "running").length;
    const count = waiting + interrupted + running;
    this.#badge.textContent = count > 99 ? "99+" : count || "";
    this.opener.classList.toggle("paused", paused);
    const label = count ? n("queue.open", count) : t("queue.title");
    this.opener.setAttribute("aria-label", label);
    this.opener.title = label;
    if (this.element.open) this.#render();
  }

  #render() {
    if (!this.#snapshot) return;
    const { jobs, queue } = this.#snapshot;
    const of = (...states) => jobs.filter(({ state }) => states.includes(state));
    this.#pause.textContent = t(queue.paused ? "queue.resume" : "queue.pause");
    this.#paused.textContent = queue.paused ? t("queue.is_paused") : "";
    this.#running.show(of("running")[0]);
    this.#interrupted.show(of("interrupted"));
    this.#waiting.show(of("queued"), queue.waiting);
    this.#ended.show(of(...ENDED));
    this.#empty.hidden = jobs.length > 0;
  }

  #togglePause() {
    api.pause(!this.#snapshot.queue.paused);
  }

  /** `step` places further, or (null) before all others. */
  #move(job, step) {
    const ids = this.#ids();
    const here = ids.indexOf(job);
    if (step === null) this.#put(job, ids[0]);
    else this.#put(job, ids[step < 0 ? Math.max(0, here - 1) : here + 2] ?? null);
  }

  /** Before another one, or last: but not where the last ones are not shown. */
  #put(job, before) {
    const cut = this.#snapshot.queue.waiting > this.#ids().length;
    if (before !== null || !cut) api.move(job, before);
    else this.#render();
  }

  #ids() {
    return this.#snapshot.jobs.filter(({ state }) => state === "queued").map(({ id }) => id);
  }
}

/** A list of jobs under a heading; a row is built anew only when its job has changed. */
class Group {
  #build;
  #rows = new Map();
  #more = h("p", { class: "told" });

  constructor(key, build, { ordered = false, clear = null } = {}) {
    this.#build = build;
    this.list = h(ordered ? "ol" : "ul", { "aria-label": t(key) });
    const heading = h("div", { class: "heading" }, h("h3", {}, t(key)), clear);
    this.element = h("section", {}, heading, this.list, this.#more);
  }

  /** `total`: how many there are, where not all are listed. */
  show(jobs, total = jobs.length) {
    if (this.list.dataset.dragging) return;
    this.element.hidden = jobs.length === 0;
    this.#rows = new Map(jobs.map((job) => [sign(job), this.#row(job)]));
    const focused = document.activeElement;
    const place = [...this.list.children].findIndex((row) => row.contains(focused));
    arrange(this.list, [...this.#rows.values()]);
    if (place >= 0) this.#focus(focused, place);
    this.#more.textContent = total > jobs.length ? n("queue.more", total - jobs.length) : "";
  }

  /** What is moved loses the focus, and so does a tool that means nothing at either end; where a
   *  row is gone, the one in its place gets it. */
  #focus(focused, place) {
    const { isConnected } = focused;
    const rows = this.list.children;
    const row = isConnected ? focused.closest("li") : rows[Math.min(place, rows.length - 1)];
    const tool = isConnected ? focused : row?.querySelector(alike(focused));
    const last = this.list.closest("dialog").querySelector("button");
    const seen = (one) => one?.checkVisibility({ visibilityProperty: true });
    const next = [tool, row?.querySelector("[data-tool=out]"), last].find(seen);
    if (next !== document.activeElement) next?.focus();
  }

  #row(job) {
    return this.#rows.get(sign(job)) ?? this.#build(job);
  }
}

/** The same tool of another row, or else its last button. */
const alike = ({ dataset: { tool } }) => (tool ? `[data-tool=${tool}]` : "button:last-child");

const sign = ({ id, state, pictures, error }) => JSON.stringify([id, state, pictures, error]);

/** Rows of a list are dragged to another place: `drop(job, before)`. */
function dragging(list, drop) {
  let dragged = null;
  const row = ({ target }) => target.closest?.("li");
  list.addEventListener("dragstart", (event) => {
    dragged = row(event);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    list.dataset.dragging = true;
  });
  list.addEventListener("dragover", (event) => {
    const over = row(event);
    if (!dragged || !over) return;
    event.preventDefault();
    const { top, height } = over.getBoundingClientRect();
    const after = event.clientY > top + height / 2;
    if (over !== dragged) list.insertBefore(dragged, after ? over.nextSibling : over);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    delete list.dataset.dragging;
    if (dragged) drop(dragged.dataset.job, dragged.nextElementSibling?.dataset.job ?? null);
    dragged = null;
  });
}
