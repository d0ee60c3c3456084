// An event stream that comes back by itself, however it ended.

const EVENTS = "/api/v1/events";
const TYPES = ["jobs", "progress"];
const PAUSE = 2000;
const SILENCE = 35_000; // the server pings every ten seconds

export class Connection {
  #tell;
  #source = null;
  #retry = 0;
  #silence = 0;

  /** `tell` hears `{ type: "jobs" | "progress", data }`, `{ type: "open" }`, `{ type: "lost" }`. */
  constructor(tell) {
    this.#tell = tell;
  }

  open() {
    clearTimeout(this.#retry);
    if (this.#source !== null) return;
    const source = (this.#source = new EventSource(EVENTS));
    for (const type of TYPES) {
      source.addEventListener(type, ({ data }) => this.#hear({ type, data }));
    }
    source.addEventListener("ping", () => this.#listen());
    source.onopen = () => this.#hear({ type: "open" });
    source.onerror = () => {
      this.#tell({ type: "lost" });
      // A refused connection is closed for good by the browser: try again ourselves.
      if (source.readyState !== EventSource.CLOSED || this.#source !== source) return;
      this.#source = null;
      this.#retry = setTimeout(() => this.open(), PAUSE);
    };
  }

  close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #hear(news) {
    this.#listen();
    this.#tell(news);
  }

  /** A line can be dead without a word, after a change of network: then it is opened anew. */
  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#tell({ type: "lost" });
      this.close();
      this.open();
    }, SILENCE);
  }
}
