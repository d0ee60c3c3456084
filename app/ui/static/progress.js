import { h } from "./dom.js";
import { t } from "./language.js";
import { progress } from "./words.js";

/** How far the job is: a bar, and the same in words. */
export class Progress {
  #bar = h("i");
  #title = h("span", { role: "status" });
  #detail = h("span", { class: "detail" });
  #meter = h("div", { class: "meter", role: "progressbar", "aria-label": t("progress.label") }, this.#bar);
  element = h("div", { class: "progress" }, this.#meter, h("p", {}, this.#title, this.#detail));

  /** `job` is a job of the snapshot, or undefined when there is none. */
  show(job) {
    this.element.hidden = !job;
    if (!job) return;
    const { title, detail } = progress(job);
    // A screen reader hears each change of the phase, not of every step.
    if (this.#title.textContent !== title) this.#title.textContent = title;
    this.#detail.textContent = detail;
    const percent = Math.round(100 * job.fraction);
    this.#bar.style.width = `${percent}%`;
    if (percent) this.#meter.setAttribute("aria-valuenow", percent);
    else this.#meter.removeAttribute("aria-valuenow");
    this.#meter.classList.toggle("unknown", percent === 0);
  }
}
