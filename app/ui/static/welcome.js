import { h } from "./dom.js";
import { firstRun } from "./firstrun.js";
import { rich, t } from "./language.js";

/** The blank canvas, before the first picture. `starter` says that a small model is chosen, which
 *  painted the pictures of `examples`; `choose` takes the prompt of one. */
export function welcome({ starter, examples }, choose) {
  const offer = starter ? sample : chip;
  return h(
    "div",
    { class: "welcome" },
    starter ? null : h("div", { class: "blank", "aria-hidden": "true" }),
    h("h2", {}, t("welcome.title")),
    h("div", { class: starter ? "samples" : "chips" }, ...examples.map((one) => offer(one, choose))),
    starter &&
      h(
        "p",
        { class: "aside" },
        ...rich("welcome.starter", { folder: h("code", {}, "models/checkpoints") }),
      ),
    firstRun(),
  );
}

function sample({ prompt, picture }, choose) {
  const shown = h("img", { src: `/gesso/${picture}`, alt: "", width: 256, height: 256 });
  return h(
    "button",
    { class: "sample", type: "button", onclick: () => choose(prompt) },
    shown,
    h("span", {}, prompt),
  );
}

function chip({ prompt }, choose) {
  return h("button", { class: "chip", type: "button", onclick: () => choose(prompt) }, prompt);
}
