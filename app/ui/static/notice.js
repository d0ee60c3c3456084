import { bdi, h } from "./dom.js";
import { mark } from "./fields.js";
import { icon, iconButton } from "./icons.js";
import { t } from "./language.js";

/** The card beside the prompt: what went wrong and what to do about it, or what was taken over. */
export class Notice {
  #element;

  constructor(element) {
    this.#element = element;
    element.replaceChildren();
  }

  /** `error` is the API's `{ message, cure, field }`; null clears the card. */
  show(error) {
    // What comes from the server has a kind, and is in English.
    const told = error && [
      h("strong", { lang: error.kind && "en" }, bdi(error.message)),
      h("p", { lang: error.kind && "en" }, bdi(error.cure)),
    ];
    this.#put(told && this.#card("alert", "warn", told));
    mark(error?.field ?? null);
  }

  /** The form was filled; `undo()` puts back what it held. */
  say(sentence, undo) {
    this.#put(this.#card("status", "again", [h("strong", {}, sentence), this.#back(undo)]));
    mark(null);
  }

  /** Settings were taken over, as `said` (texts and elements) tells; `differences` says what is not
   *  as it was, `undo()` puts back what the form held. */
  tell(said, differences, undo) {
    const told = [h("strong", {}, ...said)];
    if (differences.length) {
      const items = differences.map((sentence) => h("li", {}, bdi(sentence)));
      told.push(h("p", {}, t("notice.different")));
      const list = { tabindex: 0, lang: "en", "aria-label": t("notice.differences") };
      told.push(h("ul", list, ...items));
    }
    told.push(this.#back(undo));
    this.#put(this.#card("status", "again", told));
    mark(null);
  }

  /** A card is brought into view: what was pressed may be far from it. */
  #put(card) {
    this.#element.replaceChildren(card || "");
    if (card) card.scrollIntoView({ block: "nearest" });
  }

  #back(undo) {
    const back = () => {
      this.show(null);
      undo();
    };
    return h("button", { class: "undo", type: "button", onclick: back }, t("form.undo"));
  }

  #card(role, name, told) {
    return h(
      "div",
      { class: "notice", role },
      icon(name),
      h("div", {}, ...told),
      iconButton("close", t("notice.dismiss"), () => this.show(null)),
    );
  }
}
