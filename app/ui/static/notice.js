import { bdi, h, icon, ICONS } from "./dom.js";
import { mark } from "./fields.js";

/** The card beside the prompt: what went wrong and what to do about it. */
export class Notice {
  #element;

  constructor(element) {
    this.#element = element;
    element.replaceChildren();
  }

  /** `error` is the API's `{ message, cure, field }`; null clears the card. */
  show(error) {
    this.#element.replaceChildren(error ? this.#card(error) : "");
    mark(error?.field ?? null);
  }

  #card({ message, cure }) {
    const dismiss = {
      class: "quiet",
      type: "button",
      "aria-label": "Dismiss",
      onclick: () => this.show(null),
    };
    return h(
      "div",
      { class: "notice", role: "alert" },
      icon(ICONS.warn),
      h("div", {}, h("strong", {}, bdi(message)), h("p", {}, bdi(cure))),
      h("button", dismiss, icon(ICONS.close)),
    );
  }
}
