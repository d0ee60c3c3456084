import { downloadUrl, pictureUrl } from "./api.js";
import { over } from "./dialog.js";
import { h } from "./dom.js";
import { picture } from "./gallery-api.js";
import { favour, onChange, remove, reuse } from "./gallery-changes.js";
import { details } from "./gallery-details.js";
import { icon, iconButton } from "./icons.js";
import { keep, kept } from "./kept.js";
import { t } from "./language.js";

const SWIPE = 48;
const KEY = "details";
const WIDE = "(min-width: 900px)";

/** A picture over the whole window, beside it what made it. Arrows leaf, F makes it a favourite,
 *  Del deletes it, I shows or hides what made it, Escape closes; a click shows its true pixels. */
export class Lightbox {
  #image = h("img", { alt: "", onclick: () => this.#dialog.classList.toggle("actual") });
  #download = h(
    "a",
    { class: "round", download: true, "aria-label": t("caption.download") },
    icon("download"),
  );
  #star = round(t("gallery.favourite"), "star", () => this.#favour(), "star");
  #tell = round(t("lightbox.details"), "info", () => this.#toggle(), "tell");
  #newer = round(t("lightbox.newer"), "left", () => this.#turn(-1), "before");
  #older = round(t("lightbox.older"), "right", () => this.#turn(1), "after");
  #details = h("aside", { class: "details", "aria-label": t("lightbox.details") });
  #leaf;
  #dialog;
  #id = null;

  /** `leaf(offset)` shows and gives the picture so many places on, or null at either end; it may
   *  take its time. `closed()` is called when it is shut. */
  constructor(leaf, closed = () => {}) {
    this.#leaf = leaf;
    const bin = round(t("gallery.delete"), "trash", () => this.#remove(), "bin");
    const close = round(t("lightbox.close"), "close", () => this.#dialog.close());
    this.#dialog = h(
      "dialog",
      { id: "lightbox", class: "lightbox", "aria-label": t("caption.full_view") },
      h("div", { class: "sheet", tabindex: -1, autofocus: true }, this.#image),
      this.#details,
      h("div", { class: "corner" }, this.#star, bin, this.#download, this.#tell, close),
      this.#newer,
      this.#older,
    );
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target.classList.contains("sheet")) this.#dialog.close();
    });
    onChange(({ favourite }) => {
      if (favourite?.id === this.#id) this.#mark(favourite.favourite);
    });
    this.#dialog.addEventListener("close", () => {
      this.#dialog.remove();
      closed();
    });
    this.#swipes();
  }

  /** `picture` is `{ id, description, first, last }`. */
  open(picture) {
    over(this.#dialog);
    const chosen = kept(KEY);
    this.#told(chosen ? chosen === "shown" : matchMedia(WIDE).matches);
    this.#show(picture);
    this.#dialog.showModal();
  }

  #show({ id, description, first, last }) {
    this.#id = id;
    this.#image.src = pictureUrl(id);
    this.#image.alt = description ?? "";
    this.#download.href = downloadUrl(id);
    this.#newer.hidden = first;
    this.#older.hidden = last;
    this.#dialog.classList.remove("actual");
    this.#dialog.dataset.picture = id;
    this.#describe(id);
  }

  async #describe(id) {
    const known = await picture(id).catch(() => null);
    if (id !== this.#id || !known) return;
    this.#mark(known.info.favourite);
    const again = (label, name, what) =>
      h(
        "button",
        { class: "action", type: "button", onclick: () => this.#reuse(what) },
        icon(name),
        label,
      );
    const actions = known.recipe && [
      again(t("caption.reuse_settings"), "again", "settings"),
      again(t("caption.reuse_seed"), "seed", "seed"),
    ];
    this.#details.replaceChildren(
      h("div", { class: "actions" }, ...(actions || [])),
      ...details(known),
    );
  }

  #mark(favourite) {
    this.#star.setAttribute("aria-pressed", String(favourite));
  }

  #told(shown) {
    this.#dialog.classList.toggle("told", shown);
    this.#tell.setAttribute("aria-pressed", String(shown));
  }

  #toggle() {
    const shown = !this.#dialog.classList.contains("told");
    keep(KEY, shown ? "shown" : "hidden");
    this.#told(shown);
  }

  #favour() {
    favour([this.#id], this.#star.getAttribute("aria-pressed") !== "true");
  }

  #reuse(what) {
    this.#dialog.close();
    reuse(this.#id, what);
  }

  /** Delete the picture and show the next one. */
  async #remove() {
    const gone = this.#id;
    const next = (await this.#leaf(1)) ?? (await this.#leaf(-1));
    if (next) this.#show(next);
    else this.#dialog.close();
    await remove([gone]);
  }

  async #turn(offset) {
    const next = await this.#leaf(offset);
    if (next) this.#show(next);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.repeat && event.key === "Delete") return; // one press, one picture
    const act = {
      ArrowLeft: () => this.#turn(-1),
      ArrowRight: () => this.#turn(1),
      f: () => this.#favour(),
      i: () => this.#toggle(),
      Delete: () => this.#remove(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #swipes() {
    let from = null;
    this.#dialog.addEventListener("pointerdown", ({ pointerType, clientX, target }) => {
      from = pointerType === "touch" && !this.#details.contains(target) ? clientX : null;
    });
    this.#dialog.addEventListener("pointerup", ({ clientX }) => {
      if (from === null || this.#dialog.classList.contains("actual")) return;
      if (Math.abs(clientX - from) > SWIPE) this.#turn(clientX > from ? -1 : 1);
      from = null;
    });
  }
}

function round(label, name, onclick, place = "") {
  return iconButton(name, label, onclick, { class: `round ${place}` });
}
