import { settingsOf } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";

/** Bytes; the server takes no more. */
export const LIMIT = 64 * 2 ** 20;

const KINDS = "image/png,image/jpeg,image/webp";

/** A picture dropped anywhere on the page, or chosen from a file, gives its settings. */
export class Drop {
  #overlay = h(
    "div",
    { id: "drop", hidden: true, "aria-hidden": "true" },
    h("p", {}, t("drop.here")),
  );
  #actions;
  #own = false; // the drag began on this page
  #last = null; // the file asked for last: an earlier answer that comes late is passed over

  /** `actions`: `taken({ source, values, differences })`, `failed(error)`. */
  constructor(actions) {
    this.#actions = actions;
    document.body.append(this.#overlay);
    const listen = (name, handle) => window.addEventListener(name, handle, { capture: true });
    listen("dragstart", () => (this.#own = true));
    listen("dragend", () => (this.#own = false));
    listen("dragover", (event) => this.#over(event));
    listen("dragleave", (event) => event.relatedTarget === null && this.#show(false));
    listen("drop", (event) => this.#drop(event));
  }

  /** Let the artist choose a file. */
  choose() {
    const input = h("input", { type: "file", accept: KINDS });
    input.addEventListener("change", () => input.files.length && this.take(input.files[0]));
    input.click();
  }

  /** Ask the server for the settings of a file. */
  async take(file) {
    this.#last = file;
    const answer = file.size > LIMIT ? { error: tooLarge(file) } : await settingsOf(file);
    if (this.#last !== file) return;
    if (answer.error) this.#actions.failed(answer.error);
    else this.#actions.taken(answer);
  }

  #over(event) {
    if (!this.#carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    this.#show(true);
  }

  #drop(event) {
    this.#show(false);
    if (!this.#carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const [file] = event.dataTransfer.files;
    if (file) this.take(file);
  }

  #carries({ dataTransfer }) {
    return !this.#own && Boolean(dataTransfer?.types.includes("Files"));
  }

  #show(wanted) {
    this.#overlay.hidden = !wanted;
  }
}

function tooLarge({ name }) {
  return {
    message: t("drop.too_large", { name }),
    cure: t("drop.too_large.cure"),
  };
}
