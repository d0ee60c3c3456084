import { h } from "./dom.js";
import { firstRun } from "./firstrun.js";
import { rich, t } from "./language.js";

const EXAMPLES = ["welcome.example.1", "welcome.example.2", "welcome.example.3"];

/** The blank canvas, before the first picture. `starter` says that only the small model is here. */
export function welcome(starter, choose) {
  return h(
    "div",
    { class: "welcome" },
    h("div", { class: "blank", "aria-hidden": "true" }),
    h("h2", {}, t("welcome.title")),
    h(
      "div",
      { class: "chips" },
      ...EXAMPLES.map((key) => t(key)).map((prompt) =>
        h("button", { class: "chip", type: "button", onclick: () => choose(prompt) }, prompt),
      ),
    ),
    starter &&
      h(
        "p",
        { class: "aside" },
        ...rich("welcome.starter", { folder: h("code", {}, "models/checkpoints") }),
      ),
    firstRun(),
  );
}
