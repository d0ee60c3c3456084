import { stop } from "./api.js";
import { arrange, bdi, h, icon, ICONS } from "./dom.js";
import { n, t } from "./language.js";

/** The jobs that wait, each with a way out. */
export class Waiting {
  element = h("ol", { class: "waiting", "aria-label": t("waiting.label") });
  #rows = new Map();

  /** `jobs` in the order in which they will run. */
  show(jobs) {
    this.#rows = new Map(jobs.map((job) => [job.id, this.#rows.get(job.id) ?? row(job)]));
    arrange(this.element, [...this.#rows.values()]);
  }
}

function row(job) {
  const out = { class: "quiet", type: "button", "aria-label": t("waiting.take_out") };
  return h(
    "li",
    {},
    h("span", { class: "name" }, bdi(job.prompt || t("caption.no_prompt"))),
    h("span", { class: "detail" }, n("waiting.pictures", job.count)),
    h("button", { ...out, onclick: () => stop(job.id) }, icon(ICONS.close)),
  );
}
