import { pictureUrl, previewUrl } from "./api.js";
import { h } from "./dom.js";
import { t } from "./language.js";

const LATENT_FACTOR = 8;
const ENLARGE = 2.5;

/** Where the picture stands: a preview while it is painted, then the picture itself. */
export class Easel {
  #image = h("img", { alt: "", draggable: false });
  #loading = false;
  #wanted = null;
  #job = null; // whose preview stands here
  element;

  constructor(open) {
    this.element = h(
      "button",
      { class: "canvas", type: "button", "aria-label": t("caption.full_view"), onclick: open },
      this.#image,
    );
    this.#image.addEventListener("load", () => this.#loaded());
    this.#image.addEventListener("error", () => this.#loaded());
  }

  /** A finished picture. */
  picture(id, description) {
    this.#job = null;
    this.element.dataset.picture = id;
    this.element.disabled = false;
    this.#image.alt = description ?? "";
    this.#want(pictureUrl(id), 1);
  }

  /** Ask again for a picture that did not come. */
  again() {
    const { complete, naturalWidth } = this.#image;
    if (complete && !naturalWidth) this.#image.removeAttribute("src");
  }

  /** The picture so far; frames are dropped rather than queued. */
  preview(job, version) {
    delete this.element.dataset.picture;
    this.element.disabled = true;
    this.#image.alt = "";
    if (this.#job !== job) this.#clear();
    this.#job = job;
    if (version != null) this.#want(previewUrl(job, version), LATENT_FACTOR);
  }

  /** A blank canvas: what stood here is not what comes. */
  #clear() {
    this.#wanted = null;
    this.#loading = false;
    this.#image.removeAttribute("src");
  }

  #want(url, scale) {
    if (this.#image.getAttribute("src") === url && !this.#wanted) return;
    this.#wanted = { url, scale };
    if (!this.#loading) this.#next();
  }

  #next() {
    const { url, scale } = this.#wanted;
    this.#wanted = null;
    if (this.#image.getAttribute("src") === url) return;
    this.#loading = true;
    this.#image.dataset.scale = scale;
    this.#image.src = url;
  }

  #loaded() {
    this.#loading = false;
    const scale = Number(this.#image.dataset.scale);
    const [w, tall] = [this.#image.naturalWidth * scale, this.#image.naturalHeight * scale];
    if (w && tall) {
      this.element.style.setProperty("--ratio", w / tall);
      this.element.style.setProperty("--widest", `${Math.round(w * ENLARGE)}px`);
      this.element.classList.toggle("preview", scale > 1);
    }
    if (this.#wanted) this.#next();
  }
}
