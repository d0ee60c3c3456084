import { h } from "./dom.js";
import { feed } from "./feed.js";
import { n, t } from "./language.js";

/** One line under the pictures that says what waits, and opens the queue. */
export class Waiting {
  element = h("button", { class: "waiting", type: "button", onclick: openQueue });

  constructor() {
    feed.subscribe(({ queue }) => this.#show(queue));
    this.#show({ waiting: 0, interrupted: 0, paused: false });
  }

  #show({ waiting, interrupted, paused }) {
    const said = [
      waiting && n("waiting.jobs", waiting),
      waiting && paused && t("waiting.paused"),
      interrupted && n("waiting.interrupted", interrupted),
    ].filter(Boolean);
    const text = said.join(" · ");
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.hidden = said.length === 0;
  }
}

function openQueue() {
  document.getElementById("queue-button")?.click();
}
