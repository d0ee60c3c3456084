// What the studio is doing, as whole snapshots; "lost" and "back" tell of the connection. All pages
// of a browser share one connection, which a worker holds, and follow it also while hidden. Where
// there is no such worker, each page that is looked at has one of its own.

import { Connection } from "./connection.js";

const WORKER = "/gesso/feed-worker.js";

export class Feed extends EventTarget {
  #line = null;
  #jobs = null;
  #progress = null;
  snapshot = null;
  lost = false;

  start() {
    const hear = (message) => this.#hear(message);
    this.#line = "SharedWorker" in globalThis ? this.#shared(hear) : new Own(hear);
    addEventListener("pagehide", () => this.#line.close());
    addEventListener("pageshow", () => this.#line.open());
    this.#line.open();
  }

  /** Call `listener(snapshot)` now, if there is one, and whenever it changes. */
  subscribe(listener) {
    this.addEventListener("snapshot", () => listener(this.snapshot));
    if (this.snapshot) listener(this.snapshot);
  }

  /** Call `listener()` whenever a counter of the snapshot has changed: "pictures", "models". */
  watch(counter, listener, options = {}) {
    let last = this.snapshot?.[counter];
    const look = () => {
      const now = this.snapshot[counter];
      if (last !== undefined && now !== last) listener();
      last = now;
    };
    this.addEventListener("snapshot", look, options);
  }

  #shared(hear) {
    try {
      return new Shared(hear, () => {
        this.#line.close();
        this.#line = new Own(hear);
        this.#line.open();
      });
    } catch {
      return new Own(hear); // the browser keeps nothing for this site, and has no such workers
    }
  }

  #hear({ type, data }) {
    if (type === "lost") this.#lost();
    else if (type === "open") this.#open();
    else this.#take(type, JSON.parse(data));
  }

  #take(type, data) {
    if (type === "jobs") this.#jobs = data;
    else this.#progress = data;
    if (!this.#jobs || !this.#progress) return;
    this.snapshot = merge(this.#jobs, this.#progress);
    this.dispatchEvent(new Event("snapshot"));
  }

  #lost() {
    this.lost = true;
    this.dispatchEvent(new Event("lost"));
  }

  #open() {
    const back = this.lost;
    this.lost = false;
    if (back) this.dispatchEvent(new Event("back"));
  }
}

/** The list of jobs with what is known by now of the one that runs. */
export function merge({ jobs, ...list }, { progress, engine, version }) {
  const now = (job) =>
    job.state === "running" && job.id === progress?.id ? { ...job, ...progress } : job;
  return { ...list, version: Math.max(list.version, version), jobs: jobs.map(now), engine };
}

/** The connection that all pages share. `failed()` is called when it cannot be had. */
class Shared {
  #port;

  constructor(hear, failed) {
    const worker = new SharedWorker(WORKER, { type: "module", name: "gesso" });
    worker.addEventListener("error", failed, { once: true });
    this.#port = worker.port;
    this.#port.onmessage = ({ data }) => hear(data);
  }

  open() {
    this.#port.postMessage("hello");
  }

  close() {
    this.#port.postMessage("goodbye");
  }
}

/** A connection of this page alone, closed while nobody looks. */
class Own {
  #connection;
  #follow = () => (document.hidden ? this.#connection.close() : this.#connection.open());

  constructor(hear) {
    this.#connection = new Connection(hear);
  }

  open() {
    document.addEventListener("visibilitychange", this.#follow);
    this.#follow();
  }

  close() {
    document.removeEventListener("visibilitychange", this.#follow);
    this.#connection.close();
  }
}

/** The page's one feed; every part follows it. */
export const feed = new Feed();
