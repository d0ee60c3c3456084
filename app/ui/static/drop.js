import { settingsOf, settingsOfPicture } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";

/** Bytes; the server takes no more. */
export const LIMIT = 64 * 2 ** 20;

const KINDS = "image/png,image/jpeg,image/webp";
const LINK = "text/uri-list";
const TYPED_INTO = "input, textarea, [contenteditable]";

/** What is dropped or pasted: `{ file, count }` of its `count` files, or `{ error }`. */
export function brought({ files, items }) {
  const folders = [...(items ?? [])]
    .filter(({ kind }) => kind === "file")
    .map((item) => Boolean(item.webkitGetAsEntry?.()?.isDirectory));
  const found = [...files].filter((_, place) => !folders[place]);
  const file = found.find(({ type }) => type.startsWith("image/")) ?? found[0];
  if (file) return file.size > LIMIT ? sorry("drop.too_large", file) : { file, count: found.length };
  return sorry(folders.length ? "drop.folder" : "drop.elsewhere");
}

/** A picture dropped anywhere on the page, pasted or chosen from a file, gives its settings. */
export class Drop {
  #overlay = h(
    "div",
    { id: "drop", hidden: true, "aria-hidden": "true" },
    h("p", {}, t("drop.here")),
  );
  #actions;
  #own = false; // the drag began on this page
  #asked = 0; // an earlier answer that comes late is passed over

  /** `actions`: `taken({ source, values, differences })`, `failed(error)`. */
  constructor(actions) {
    this.#actions = actions;
    document.body.append(this.#overlay);
    const listen = (name, handle) => window.addEventListener(name, handle, { capture: true });
    listen("dragstart", () => (this.#own = true));
    // What is dragged may be taken off the page, and then tells of no end.
    for (const end of ["dragend", "pointermove"]) listen(end, () => (this.#own = false));
    listen("dragover", (event) => this.#over(event));
    listen("dragleave", (event) => event.relatedTarget === null && this.#show(false));
    listen("drop", (event) => this.#drop(event));
    listen("paste", (event) => this.#paste(event));
  }

  /** Let the artist choose a file. */
  choose() {
    const input = h("input", { type: "file", accept: KINDS });
    input.addEventListener("change", () => input.files.length && this.#take(input));
    input.click();
  }

  /** Ask for the settings of a picture of the gallery. */
  recall(id) {
    this.#ask(() => settingsOfPicture(id));
  }

  #take(transfer) {
    const { file, count, error } = brought(transfer);
    const several = count > 1 ? [t("drop.several", { count, name: file.name })] : [];
    this.#ask(() => (error ? { error } : settingsOf(file)), several);
  }

  async #ask(settings, further = []) {
    const number = ++this.#asked;
    const { error, differences = [], ...answer } = await settings();
    if (this.#asked !== number) return;
    if (error) this.#actions.failed(error);
    else this.#actions.taken({ ...answer, differences: [...further, ...differences] });
  }

  #over(event) {
    if (!this.#carries(event, "Files") && !this.#carries(event, LINK)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    this.#show(this.#carries(event, "Files"));
  }

  /** Left alone, a link would take the place of the page. */
  #drop(event) {
    this.#show(false);
    if (!this.#carries(event, "Files") && !this.#carries(event, LINK)) return;
    event.preventDefault();
    event.stopPropagation();
    this.#take(event.dataTransfer);
  }

  #paste(event) {
    const { clipboardData: data, target } = event;
    const text = data?.types.includes("text/plain") && target.closest?.(TYPED_INTO);
    if (!data?.files.length || text) return;
    event.preventDefault();
    event.stopPropagation();
    this.#take(data);
  }

  #carries({ dataTransfer }, type) {
    return !this.#own && Boolean(dataTransfer?.types.includes(type));
  }

  #show(wanted) {
    this.#overlay.hidden = !wanted;
  }
}

function sorry(key, names = {}) {
  return { error: { message: t(key, names), cure: t(`${key}.cure`) } };
}
