import { h } from "./dom.js";

const PROMPTS = [
  "a red house, a meadow, a clear day",
  "a white boat on the sea at sunset, watercolour",
  "high mountains, a starry night, the moon",
];

/** The blank canvas, before the first picture. `starter` says that only the small model is here. */
export function welcome(starter, choose) {
  return h(
    "div",
    { class: "welcome" },
    h("div", { class: "blank", "aria-hidden": "true" }),
    h("h2", {}, "The ground is laid. What shall it be?"),
    h(
      "div",
      { class: "chips" },
      ...PROMPTS.map((prompt) =>
        h("button", { class: "chip", type: "button", onclick: () => choose(prompt) }, prompt),
      ),
    ),
    starter &&
      h(
        "p",
        { class: "aside" },
        "Starter model: it paints small landscapes. Drop your own checkpoint into ",
        h("code", {}, "models/checkpoints"),
        " and it appears in the list.",
      ),
  );
}
