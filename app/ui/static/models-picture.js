// A picture of the gallery, chosen to show what a model file does.

import { thumbnailUrl } from "./api.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { list } from "./gallery-api.js";
import { t } from "./language.js";
import { fail } from "./toast.js";

const PAGE = 60;

/** Ask for a picture; `chosen(id)` is called with it. */
export function choosePicture(chosen) {
  const pictures = h("div", { class: "pictures" });
  const shown = dialog("choose-picture", t("models.preview.title"), pictures);
  const tile = ({ id, prompt }) => {
    const press = () => {
      shown.close();
      chosen(id);
    };
    const label = t("strip.picture", { prompt: prompt || t("caption.no_prompt") });
    const image = h("img", { src: thumbnailUrl(id), alt: "", loading: "lazy", decoding: "async" });
    return h("button", { type: "button", "aria-label": label, onclick: press }, image);
  };
  const more = async () => {
    const before = pictures.querySelectorAll("button").length;
    const found = await list({}, { limit: PAGE, offset: before });
    pictures.append(...found.map(tile));
    if (!before && !found.length) pictures.append(h("p", {}, t("gallery.empty")));
    if (found.length === PAGE) onSight(pictures.lastChild, () => more().catch(fail));
  };
  shown.showModal();
  more().catch(fail);
}

function onSight(element, run) {
  const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    watcher.disconnect();
    run();
  });
  watcher.observe(element);
}
