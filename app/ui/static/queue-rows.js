// One row for each job of the drawer.

import { previewUrl, thumbnailUrl } from "./api.js";
import { bdi, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { n, t } from "./language.js";
import { Progress } from "./progress.js";
import * as api from "./queue-api.js";

/** The job that is being worked at: the picture so far, how far it is, and how to end it. */
export class RunningRow {
  #image = h("img", { alt: "" });
  #name = h("p", { class: "name" });
  #progress = new Progress();
  #skip = button("queue.skip", () => api.skip(this.#job), "plain", t("queue.skip.more"));
  #finish = button("queue.finish", () => api.finish(this.#job), "plain", t("queue.finish.more"));
  #stop = button("queue.stop", () => api.stop(this.#job), "strong");
  #job = null;
  element = h(
    "section",
    { class: "running", "aria-label": t("queue.running") },
    this.#image,
    h("div", {}, this.#name, this.#progress.element),
    h("div", { class: "wishes" }, this.#skip, this.#finish, this.#stop),
  );

  show(job) {
    this.element.hidden = !job;
    if (!job) return;
    this.#job = job.id;
    this.#name.replaceChildren(title(job));
    this.#progress.show(job);
    const picture = job.preview ? previewUrl(job.id, job.preview) : null;
    this.#image.hidden = !picture;
    if (picture && this.#image.getAttribute("src") !== picture) this.#image.src = picture;
    const many = job.kind === "render" && job.count - job.pictures.length > 1;
    this.#skip.hidden = this.#finish.hidden = !many;
    this.#finish.disabled = job.stopping !== null;
    this.#stop.disabled = job.stopping === "now";
  }
}

/** A job that waits; `move(job, step)` moves it up, down, or (null) before all others. */
export function waitingRow(job, move) {
  const detail = h("span", { class: "detail" }, amount(job));
  const name = { job: job.prompt || t("queue.no_prompt") };
  const tool = (what, run, shape = what) =>
    iconButton(shape, t(`queue.${what}`, name), run, { "data-tool": what });
  const row = h(
    "li",
    { draggable: "true", "data-job": job.id },
    h("span", { class: "grip", "aria-hidden": "true" }, icon("grip")),
    h("span", { class: "text" }, h("span", { class: "name" }, title(job)), detail),
    tool("first", () => move(job.id, null)),
    tool("up", () => move(job.id, -1)),
    tool("down", () => move(job.id, 1)),
    tool("out", () => api.stop(job.id), "close"),
  );
  return row;
}

/** A job that ran when everything ended. */
export function interruptedRow(job) {
  const done = t("queue.made", { done: job.pictures.length, total: job.count });
  return h(
    "li",
    { class: "interrupted", "data-job": job.id },
    text(job, job.kind === "render" ? done : ""),
    button("queue.continue", () => api.retry(job.id), "strong"),
    button("queue.discard", () => api.stop(job.id)),
  );
}

/** A job that is over, and what went wrong with it. */
export function endedRow(job) {
  const picture = job.thumbnail;
  return h(
    "li",
    { class: job.state, "data-job": job.id },
    picture && h("img", { src: thumbnailUrl(picture), alt: "", loading: "lazy" }),
    text(job, outcome(job)),
    button("queue.again", () => api.retry(job.id)),
  );
}

function text(job, detail) {
  const error = job.state === "failed" && job.error;
  const notices = job.notices.map((said) => h("span", { class: "detail", lang: "en" }, bdi(said)));
  return h(
    "span",
    { class: "text" },
    h("span", { class: "name" }, title(job)),
    detail && h("span", { class: "detail" }, detail),
    ...notices,
    error && h("span", { class: "error" }, bdi(`${error.message} ${error.cure}`)),
  );
}

function title(job) {
  if (job.kind === "convert") return t("queue.convert", { name: job.prompt });
  return job.prompt ? bdi(job.prompt) : t("queue.no_prompt");
}

function amount(job) {
  return job.kind === "render" ? n("queue.pictures", job.count) : "";
}

function outcome({ kind, state, pictures, count }) {
  const said = t(`queue.state.${state}`);
  if (kind !== "render") return said;
  const made = pictures.length === count ? n("queue.pictures", count) : null;
  return `${said} · ${made ?? t("queue.made", { done: pictures.length, total: count })}`;
}

/** A button with a word on it; `more` says what it does. */
export function button(key, run, style = "plain", more = null) {
  return h("button", { class: style, type: "button", title: more, onclick: run }, t(key));
}
