// What a model file looks like in a list.

import { bdi, h } from "./dom.js";
import { t } from "./language.js";
import { modelPreviewUrl } from "./models-api.js";

/** The picture of a file, or the first letter of its name. */
export function preview(model) {
  const letter = h(
    "span",
    { class: "letter", "aria-hidden": "true" },
    initial(model.title || stem(model)),
  );
  const place = h("span", { class: "preview" }, letter);
  if (!model.preview) return place;
  const attributes = { src: modelPreviewUrl(model), alt: "", loading: "lazy", decoding: "async" };
  const image = h("img", attributes);
  image.addEventListener("load", () => image.classList.add("here"));
  image.addEventListener("error", () => image.remove());
  place.append(image);
  return place;
}

/** The last part of a file's name. */
export function stem({ name }) {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** What a file is made for, as far as that is known: "SD 1.5". */
export function made(model) {
  return model.kind ?? "";
}

/** What a kind of file is called: "LoRA". */
export function roleName(role) {
  return t(`models.role.${role}`);
}

/** A sentence of the server, which is in English. */
export function said(text, attributes = {}) {
  return h("span", { lang: "en", ...attributes }, bdi(text));
}

function initial(name) {
  return [...name.replace(/^[^\p{L}\p{N}]+/u, "")][0]?.toUpperCase() ?? "?";
}
