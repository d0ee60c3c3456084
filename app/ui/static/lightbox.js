import { downloadUrl, pictureUrl } from "./api.js";
import { h, icon, ICONS } from "./dom.js";
import { t } from "./language.js";

const SWIPE = 48;

/** A picture over the whole window; arrows leaf, Escape closes, a click shows its true pixels. */
export class Lightbox {
  #image = h("img", { alt: "", onclick: () => this.#dialog.classList.toggle("actual") });
  #download = h(
    "a",
    { class: "round", download: true, "aria-label": t("caption.download") },
    icon(ICONS.download),
  );
  #newer = round(t("lightbox.newer"), ICONS.left, () => this.#turn(-1), "before");
  #older = round(t("lightbox.older"), ICONS.right, () => this.#turn(1), "after");
  #leaf;
  #dialog;

  /** `leaf(offset)` shows and gives the picture so many places on, or null at either end. */
  constructor(leaf) {
    this.#leaf = leaf;
    const close = round(t("lightbox.close"), ICONS.close, () => this.#dialog.close());
    this.#dialog = h(
      "dialog",
      { id: "lightbox", class: "lightbox", "aria-label": t("caption.full_view") },
      h("div", { class: "sheet" }, this.#image),
      h("div", { class: "corner" }, this.#download, close),
      this.#newer,
      this.#older,
    );
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target.classList.contains("sheet")) this.#dialog.close();
    });
    this.#swipes();
    document.body.append(this.#dialog);
  }

  /** `picture` is `{ id, description, first, last }`. */
  open(picture) {
    this.#show(picture);
    this.#dialog.showModal();
  }

  #show({ id, description, first, last }) {
    this.#image.src = pictureUrl(id);
    this.#image.alt = description ?? "";
    this.#download.href = downloadUrl(id);
    this.#newer.hidden = first;
    this.#older.hidden = last;
    this.#dialog.classList.remove("actual");
    this.#dialog.dataset.picture = id;
  }

  #turn(offset) {
    const next = this.#leaf(offset);
    if (next) this.#show(next);
  }

  #key(event) {
    const offset = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!offset) return;
    event.preventDefault();
    this.#turn(offset);
  }

  #swipes() {
    let from = null;
    this.#dialog.addEventListener("pointerdown", ({ pointerType, clientX }) => {
      from = pointerType === "touch" ? clientX : null;
    });
    this.#dialog.addEventListener("pointerup", ({ clientX }) => {
      if (from === null || this.#dialog.classList.contains("actual")) return;
      if (Math.abs(clientX - from) > SWIPE) this.#turn(clientX > from ? -1 : 1);
      from = null;
    });
  }
}

function round(label, path, onclick, place = "") {
  return h(
    "button",
    { class: `round ${place}`, type: "button", "aria-label": label, onclick },
    icon(path),
  );
}
