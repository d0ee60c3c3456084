// What the studio is doing, as whole snapshots; "lost" and "back" tell of the connection. There is
// one connection, and none while nobody looks: a browser has six per host for all its tabs.

import { eventsUrl } from "./api.js";

export class Feed extends EventTarget {
  #url;
  #source = null;
  snapshot = null;
  lost = false;

  constructor(url) {
    super();
    this.#url = url;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#follow());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", () => this.#follow());
    this.#follow();
  }

  /** Call `listener(snapshot)` now, if there is one, and whenever it changes. */
  subscribe(listener) {
    this.addEventListener("snapshot", () => listener(this.snapshot));
    if (this.snapshot) listener(this.snapshot);
  }

  #follow() {
    if (document.hidden) this.#close();
    else if (this.#source === null) this.#open();
  }

  #open() {
    this.#source = new EventSource(this.#url);
    this.#source.onmessage = (message) => {
      this.snapshot = JSON.parse(message.data);
      this.#tell("snapshot");
    };
    this.#source.onopen = () => {
      if (this.lost) this.#tell("back");
      this.lost = false;
    };
    this.#source.onerror = () => {
      this.lost = true;
      this.#tell("lost");
      // A refused connection is closed for good by the browser: try again ourselves.
      if (this.#source?.readyState === EventSource.CLOSED) {
        this.#source = null;
        setTimeout(() => this.#follow(), 2000);
      }
    };
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** The page's one connection; every part follows it. */
export const feed = new Feed(eventsUrl);
