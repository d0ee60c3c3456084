import * as api from "./api.js";
import { bdi, h, icon, ICONS } from "./dom.js";
import { Easel } from "./easel.js";
import { Lightbox } from "./lightbox.js";
import { Strip } from "./strip.js";
import { welcome } from "./welcome.js";
import { facts, plural, progress } from "./words.js";

const SHOWN = 60;

/** The right of the page: the picture being painted or looked at, what made it, and the others. */
export class Stage {
  #ids = []; // pictures, newest first
  #prompts = new Map();
  #recipes = new Map();
  #jobs = [];
  #mine = new Set(); // jobs whose failure is told here
  #chosen = null; // the picture looked at; null: whatever is being painted
  #shown = null; // the picture on the easel
  #actions;
  #parts;

  /** `actions`: `reuse(picture, "settings" | "seed")`, `example(prompt)`, `failed(error)`. */
  constructor(element, { starter, ...actions }) {
    this.#actions = actions;
    const easel = new Easel(() => this.#open());
    const strip = new Strip((id) => this.#choose(id));
    this.#parts = {
      easel,
      strip,
      welcome: welcome(starter, actions.example),
      bar: h("i"),
      title: h("span", { role: "status" }),
      detail: h("span", { class: "detail" }),
      waiting: h("ol", { class: "waiting", "aria-label": "Waiting" }),
      caption: h("div", { class: "caption" }),
      lightbox: new Lightbox((offset) => this.#leaf(offset)),
    };
    const { bar, title, detail, waiting, caption } = this.#parts;
    this.#parts.meter = h("div", { class: "meter", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
    this.#parts.progress = h("div", { class: "progress" }, this.#parts.meter, h("p", {}, title, detail));
    this.element = h(
      "section",
      { class: "stage", "aria-label": "Result", "data-state": "empty" },
      h("div", { class: "easel" }, this.#parts.welcome, easel.element),
      this.#parts.progress,
      caption,
      strip.element,
      waiting,
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
    this.#render();
    if (this.element.getBoundingClientRect().bottom > innerHeight) {
      this.element.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }

  /** A new snapshot of the studio's jobs. */
  update({ jobs }) {
    const busy = this.unfinished.length > 0;
    this.#jobs = jobs;
    const made = jobs.flatMap((job) => [...job.pictures].reverse());
    for (const { pictures, prompt } of jobs) for (const id of pictures) this.#prompts.set(id, prompt);
    this.#ids = [...new Set([...made.filter((id) => !this.#ids.includes(id)), ...this.#ids])];
    for (const { id, state, error } of jobs) {
      if (["queued", "running"].includes(state) || !this.#mine.delete(id)) continue;
      if (state === "failed") this.#actions.failed(error);
    }
    if (busy && !this.unfinished.length) this.#chosen ??= this.#ids[0] ?? null;
    this.#render();
  }

  /** Jobs that have not ended, in the order in which they run. */
  get unfinished() {
    const running = this.#jobs.filter(({ state }) => state === "running");
    return [...running, ...this.#queued];
  }

  get #queued() {
    return this.#jobs.filter(({ state }) => state === "queued").reverse();
  }

  /** Put the seed of the picture on show, or of the newest, into the form. */
  reuseSeed() {
    const id = this.#shown ?? this.#ids[0];
    if (id) this.#actions.reuse(id, "seed");
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
    if (this.#shown) this.#parts.lightbox.open(this.#view());
  }

  #view() {
    const id = this.#shown;
    const place = this.#ids.indexOf(id);
    const description = this.#recipes.get(id)?.prompt;
    return { id, description, first: place === 0, last: place === this.#ids.length - 1 };
  }

  #render() {
    const [job] = this.unfinished;
    const shown = this.#chosen ?? (job || this.#mine.size ? null : (this.#ids[0] ?? null));
    this.#shown = shown;
    const painting = shown === null && (job || this.#mine.size);
    this.element.dataset.state = painting ? "painting" : shown ? "picture" : "empty";
    this.#renderProgress(job);
    this.#renderWaiting();
    this.#parts.strip.show(this.#ids, this.#prompts, Boolean(job), shown);
    if (shown) this.#renderPicture(shown);
    else this.#parts.caption.replaceChildren();
    if (!shown && job) this.#parts.easel.preview(job.id, job.preview);
  }

  #renderProgress(job) {
    const { progress: row, meter, bar, title, detail } = this.#parts;
    row.hidden = !job;
    if (!job) return;
    const said = progress(job);
    if (title.textContent !== said.title) title.textContent = said.title;
    detail.textContent = said.detail;
    const percent = Math.round(100 * (job.fraction ?? 0));
    bar.style.width = `${percent}%`;
    meter.setAttribute("aria-valuenow", percent);
    meter.classList.toggle("unknown", !percent);
  }

  #renderWaiting() {
    this.#parts.waiting.replaceChildren(
      ...this.#queued.map((job) =>
        h(
          "li",
          {},
          h("span", { class: "name" }, bdi(job.prompt || "No prompt")),
          h("span", { class: "detail" }, plural(job.count, "picture")),
          h("button", { class: "quiet", type: "button", "aria-label": "Take out of the queue", onclick: () => api.stop(job.id) }, icon(ICONS.close)),
        ),
      ),
    );
  }

  async #renderPicture(id) {
    const known = this.#recipes.get(id);
    this.#parts.easel.picture(id, known?.prompt);
    if (this.#parts.caption.dataset.picture === id && this.#parts.caption.children.length) return;
    const recipe = known ?? (await api.recipe(id));
    this.#recipes.set(id, recipe);
    if (this.#shown !== id) return;
    this.#parts.caption.dataset.picture = id;
    this.#parts.caption.replaceChildren(this.#links(id, recipe), ...(recipe ? described(recipe) : []));
    this.#parts.easel.picture(id, recipe?.prompt);
  }

  #links(id, recipe) {
    const button = (label, path, onclick, name = "") =>
      h("button", { class: `action ${name}`, type: "button", onclick }, icon(path), label);
    return h(
      "div",
      { class: "actions" },
      recipe && button("Reuse settings", ICONS.again, () => this.#actions.reuse(id, "settings")),
      recipe && button("Reuse seed", ICONS.seed, () => this.#actions.reuse(id, "seed")),
      button("Full view", ICONS.expand, () => this.#open(), "full"),
      h("a", { class: "action", href: api.downloadUrl(id), download: true }, icon(ICONS.download), "Download"),
    );
  }
}

/** The prompt, and what else made the picture. */
function described(recipe) {
  return [
    h("p", { class: "prompt" }, recipe.prompt ? bdi(recipe.prompt) : "No prompt"),
    h("dl", {}, ...facts(recipe).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, bdi(value))))),
  ];
}
