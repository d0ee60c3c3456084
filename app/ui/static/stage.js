import * as api from "./api.js";
import { Caption } from "./caption.js";
import { h } from "./dom.js";
import { Easel } from "./easel.js";
import { t } from "./language.js";
import { Lightbox } from "./lightbox.js";
import { Progress } from "./progress.js";
import { Strip } from "./strip.js";
import { Waiting } from "./waiting.js";
import { welcome } from "./welcome.js";

const SHOWN = 60;

/** The right of the page: the picture being painted or looked at, what made it, and the others. */
export class Stage {
  #ids = []; // pictures, newest first
  #prompts = new Map();
  #recipes = new Map(); // promises, by picture
  #jobs = [];
  #mine = new Set(); // jobs whose end is awaited here
  #chosen = null; // the picture looked at; null: whatever is painted, or the newest
  #shown = null; // the picture on the easel; null while one is being painted
  #failed;
  #easel = new Easel(() => this.#open());
  #progress = new Progress();
  #strip = new Strip((id) => this.#choose(id));
  #waiting = new Waiting();
  #lightbox = new Lightbox((offset) => this.#leaf(offset));
  #caption;

  /** `actions`: `reuse(picture, "settings" | "seed")`, `example(prompt)`, `failed(error)`. */
  constructor(element, { starter, reuse, example, failed }) {
    this.reuse = reuse;
    this.#failed = failed;
    this.#caption = new Caption({ open: () => this.#open(), reuse });
    this.element = h(
      "section",
      { class: "stage", "aria-label": t("stage.label"), "data-state": "empty" },
      h("div", { class: "easel" }, welcome(starter, example), this.#easel.element),
      this.#progress.element,
      this.#caption.element,
      this.#strip.element,
      this.#waiting.element,
    );
    element.replaceChildren(this.element);
  }

  /** Fill the strip with what is there already. */
  async load() {
    const found = await api.pictures(SHOWN);
    for (const { id, prompt } of found) this.#prompts.set(id, prompt);
    this.#ids = [...new Set([...this.#ids, ...found.map(({ id }) => id)])];
    this.#render();
  }

  /** A job was submitted here: show what is being painted. */
  follow(job) {
    this.#mine.add(job);
    this.#chosen = null;
    this.#settle();
    this.#render();
    if (this.element.getBoundingClientRect().bottom > innerHeight) {
      this.element.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }

  /** A new snapshot of the studio's jobs, newest first. */
  update({ jobs }) {
    this.#jobs = jobs;
    const made = jobs.flatMap(({ pictures }) => [...pictures].reverse());
    this.#ids = [...new Set([...made.filter((id) => !this.#ids.includes(id)), ...this.#ids])];
    for (const { pictures, prompt } of jobs) {
      for (const id of pictures) this.#prompts.set(id, prompt);
    }
    this.#settle();
    this.#render();
  }

  /** Jobs that have not ended, in the order in which they run. */
  get unfinished() {
    return [...this.#in("running"), ...this.#in("queued").reverse()];
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

  #choose(id) {
    this.#chosen = id;
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
    const [job, ...others] = this.unfinished;
    const painting = this.#chosen === null && (job !== undefined || this.#mine.size > 0);
    this.#shown = painting ? null : (this.#chosen ?? this.#ids[0] ?? null);
    this.element.dataset.state = painting ? "painting" : this.#shown ? "picture" : "empty";
    this.#progress.show(job);
    this.#waiting.show(others);
    this.#strip.show(this.#ids, this.#prompts, job !== undefined, this.#shown);
    if (this.#shown) this.#renderPicture(this.#shown);
    else this.#caption.clear();
    if (painting && job) this.#easel.preview(job.id, job.preview);
  }

  async #renderPicture(id) {
    this.#easel.picture(id, this.#prompts.get(id));
    if (!this.#recipes.has(id)) this.#recipes.set(id, api.recipe(id));
    const recipe = await this.#recipes.get(id);
    if (this.#shown === id) this.#caption.show(id, recipe);
  }
}
