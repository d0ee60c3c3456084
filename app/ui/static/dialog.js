// What stands over the page.

import { h } from "./dom.js";
import { iconButton } from "./icons.js";
import { t } from "./language.js";

/** A dialog, to be opened with `showModal`; it goes when it is closed. */
export function dialog(id, title, ...content) {
  const close = () => whole.close();
  const name = `${id}-title`;
  const whole = h(
    "dialog",
    { id, class: "dialog", "aria-labelledby": name },
    h("header", {}, h("h2", { id: name }, title), iconButton("close", t("dialog.close"), close)),
    ...content,
  );
  whole.addEventListener("click", ({ target }) => target === whole && close());
  whole.addEventListener("close", () => whole.remove());
  document.body.append(whole);
  return whole;
}

/** Put an element over the page where the page's own font and styles reach. */
export function over(element) {
  (document.querySelector(".gradio-container") ?? document.body).append(element);
}
