import { h, icon, ICONS } from "./dom.js";
import { t } from "./language.js";
import { toggleLook } from "./look.js";
import { engine } from "./words.js";

/** The mark, the name, how the engine is, and the switch between light and dark. */
export function header(element, feed) {
  const state = h("span", { class: "engine", role: "status", "data-state": "starting" });
  const look = h(
    "button",
    {
      class: "quiet",
      type: "button",
      "aria-label": t("menu.look"),
      title: t("menu.look"),
      onclick: toggleLook,
    },
    icon(ICONS.sun),
    icon(ICONS.moon),
  );
  element.replaceChildren(
    h(
      "header",
      { class: "masthead" },
      h("img", { src: "/gesso/mark.svg", alt: "", width: 28, height: 28 }),
      h("h1", {}, "Gesso"),
      h("span", { class: "gap" }),
      state,
      look,
    ),
  );
  const show = ({ state: name, text, more = "" }) => {
    if (state.dataset.state === name && state.textContent === text) return;
    state.dataset.state = name;
    state.textContent = text;
    state.title = more;
  };
  feed.subscribe((snapshot) => show(engine(snapshot.engine)));
  feed.addEventListener("lost", () => show({ state: "lost", text: t("engine.lost") }));
}
