import { Caption } from "./caption.js";
import { h } from "./dom.js";
import { Easel } from "./easel.js";
import * as gallery from "./gallery-api.js";
import { t } from "./language.js";
import { Lightbox } from "./lightbox.js";
import { Progress } from "./progress.js";
import { Strip } from "./strip.js";
import { workingTab } from "./tabs.js";
import { Waiting } from "./waiting.js";
import { welcome } from "./welcome.js";

const SHOWN = 60;

/** The right of the page: the picture being painted or looked at, what made it, and the others. */
export class Stage {
  #ids = []; // pictures, newest first
  #prompts = new Map();
  #details = new Map(); // promises, by picture, since the gallery was looked at
  #gone = new Set(); // pictures that jobs made and someone deleted
  #loaded = false; // whether the gallery was looked at
  #turn = 0; // grows with every look, so that late answers are known as such
  #jobs = [];
  #mine = new Set(); // jobs whose end is awaited here
  #seen = new Set(); // jobs that ran while this page was open
  #chosen = new Map(); // the picture looked at in a tab; none: whatever is painted, or the newest
  #shown = null; // the picture on the easel; null while one is being painted
  #failed;
  #opened;
  #easel = new Easel(() => this.#open());
  #progress = new Progress();
  #strip = new Strip(
    (id) => this.#choose(id),
    () => this.#older(),
  );
  #waiting = new Waiting();
  #lightbox = new Lightbox((offset) => this.#leaf(offset));
  #caption;

  /** `actions`: `reuse(picture, "settings" | "seed")`, `opened(picture)`, `example(prompt)`,
   *  `failed(error)`. `blank` is what the blank canvas shows. */
  constructor(element, blank, { reuse, opened, example, failed }) {
    this.reuse = reuse;
    this.#failed = failed;
    this.#opened = opened;
    this.#caption = new Caption({ open: () => this.#open(), reuse });
    this.element = h(
      "section",
      { class: "stage", "aria-label": t("stage.label"), "data-state": "empty" },
      h("div", { class: "easel" }, welcome(blank, example), this.#easel.element),
      h("div", { class: "work" }, this.#progress.element, this.#waiting.element),
      this.#caption.element,
      this.#strip.element,
    );
    element.replaceChildren(this.element);
  }

  /** Look at what is in the gallery. */
  async load() {
    const before = [...this.#ids];
    const turn = ++this.#turn;
    const found = await gallery.list({}, { limit: SHOWN }).catch(() => null);
    if (!found || turn !== this.#turn) return;
    this.#loaded = true;
    this.#details.clear(); // what was not answered is asked again
    this.#easel.again();
    for (const { id, prompt } of found) {
      this.#prompts.set(id, prompt);
      this.#gone.delete(id);
    }
    const there = found.map(({ id }) => id);
    const oldest = there.at(-1) ?? "";
    for (const id of before) if (id >= oldest && !there.includes(id)) this.#lose(id);
    this.#add(there);
    this.#render();
  }

  /** The pictures that were open in the tabs, but where another one is open by now. */
  restore(tabs) {
    for (const [tab, { picture }] of Object.entries(tabs)) {
      if (picture && !this.#chosen.has(tab)) this.#chosen.set(tab, picture);
    }
    this.#render();
  }

  /** Another tab is chosen. */
  turn() {
    this.#render();
  }

  /** A job was submitted here: show what is being painted. */
  follow(job) {
    this.#mine.add(job);
    this.#settle();
    this.#choose(null);
    if (this.element.getBoundingClientRect().bottom > innerHeight) {
      this.element.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }

  /** A new snapshot of the studio's jobs: see feed.js. */
  update({ jobs }) {
    const listed = new Set(jobs.map(({ id }) => id));
    // A job may end, and be forgotten, while this page hears nothing.
    for (const { id } of this.#jobs) if (!listed.has(id)) this.#mine.delete(id);
    this.#jobs = jobs;
    const ran = jobs.filter(({ id, state }) => state === "running" || this.#seen.has(id));
    this.#seen = new Set(ran.map(({ id }) => id));
    // What older jobs made is told by the gallery: it may be deleted by now.
    for (const { pictures, prompt } of ran) {
      for (const id of pictures) this.#prompts.set(id, prompt);
    }
    const made = ran.flatMap(({ pictures }) => pictures).filter(this.#isNew, this);
    if (this.#loaded && made.length) this.#add(made);
    this.#settle();
    this.#render();
  }

  /** Jobs that have not ended, in the order in which they run. */
  get unfinished() {
    return [...this.#in("running"), ...this.#in("queued")];
  }

  /** Put the seed of the picture on show, or of the newest, into the form. */
  reuseSeed() {
    const id = this.#shown ?? this.#ids[0];
    if (id) this.reuse(id, "seed");
  }

  #in(state) {
    return this.#jobs.filter((job) => job.state === state);
  }

  #settle() {
    for (const { id, state, error } of this.#jobs) {
      if (["queued", "running"].includes(state) || !this.#mine.delete(id)) continue;
      if (state === "failed") this.#failed(error);
    }
  }

  async #older() {
    const found = await gallery
      .list({}, { limit: SHOWN, before: this.#ids.at(-1) })
      .catch(() => []);
    for (const { id, prompt } of found) this.#prompts.set(id, prompt);
    this.#add(found.map(({ id }) => id));
    this.#render();
  }

  /** Whether the gallery was looked at before this picture was made. Ids sort by age as text. */
  #isNew(id) {
    return id > (this.#ids[0] ?? "");
  }

  #add(ids) {
    const all = new Set([...this.#ids, ...ids.filter((id) => !this.#gone.has(id))]);
    this.#ids = [...all].sort().reverse();
  }

  #lose(id) {
    this.#gone.add(id);
    this.#ids = this.#ids.filter((other) => other !== id);
    for (const [tab, chosen] of this.#chosen) if (chosen === id) this.#chosen.delete(tab);
  }

  #choose(id) {
    const tab = workingTab();
    if ((this.#chosen.get(tab) ?? null) !== id) this.#opened(id);
    this.#chosen.set(tab, id);
    this.#render();
  }

  #leaf(offset) {
    const next = this.#ids[this.#ids.indexOf(this.#shown) + offset];
    if (!next) return null;
    this.#choose(next);
    return this.#view();
  }

  #open() {
    if (this.#shown) this.#lightbox.open(this.#view());
  }

  #view() {
    const id = this.#shown;
    const place = this.#ids.indexOf(id);
    const description = this.#prompts.get(id);
    return { id, description, first: place === 0, last: place === this.#ids.length - 1 };
  }

  #render() {
    const [job] = this.unfinished;
    const chosen = this.#chosen.get(workingTab()) ?? null;
    const painting = chosen === null && (job !== undefined || this.#mine.size > 0);
    this.#shown = painting ? null : (chosen ?? this.#ids[0] ?? null);
    this.element.dataset.state = painting ? "painting" : this.#shown ? "picture" : "empty";
    this.#progress.show(job);
    this.#strip.show(this.#ids, this.#prompts, job !== undefined, this.#shown);
    if (this.#shown) this.#renderPicture(this.#shown);
    else this.#caption.clear();
    if (painting && job) this.#easel.preview(job.id, job.preview);
  }

  async #renderPicture(id) {
    this.#easel.picture(id, this.#prompts.get(id));
    if (!this.#details.has(id)) this.#details.set(id, gallery.picture(id).catch(() => null));
    const details = await this.#details.get(id);
    if (this.#shown === id) this.#caption.show(id, details ?? {});
  }
}
