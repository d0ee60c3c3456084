import { h } from "./dom.js";
import { toPrompt } from "./fields.js";
import { t } from "./language.js";
import { menu } from "./menu.js";
import { engine } from "./words.js";

/** The mark, the name, how the engine is, room for other parts' buttons, and the menu. */
export function header(element, feed) {
  const state = h("span", { class: "engine", role: "status", "data-state": "starting" });
  const [button, list] = menu();
  const skip = { class: "skip", href: "#prompt", onclick: skipToPrompt };
  element.replaceChildren(
    h("a", skip, t("header.skip")),
    h(
      "header",
      { class: "masthead" },
      h("img", { src: "/gesso/mark.svg", alt: "", width: 28, height: 28 }),
      h("h1", {}, "Gesso"),
      h("span", { class: "gap" }),
      state,
      h("span", { id: "masthead-actions" }),
      button,
    ),
    list,
  );
  const show = ({ state: name, text, facts = "", more = "" }) => {
    if (state.dataset.state === name && state.textContent === text + facts) return;
    state.dataset.state = name;
    state.replaceChildren(h("b", {}, text), h("span", { class: "facts" }, facts));
    state.title = more || text + facts;
  };
  feed.subscribe((snapshot) => show(engine(snapshot.engine)));
  feed.addEventListener("lost", () => show({ state: "lost", text: t("engine.lost") }));
}

function skipToPrompt(event) {
  event.preventDefault(); // the address is the chosen tab's
  toPrompt();
}
