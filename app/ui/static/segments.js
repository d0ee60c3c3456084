import { h } from "./dom.js";

/** One of several, side by side; `options` are pairs of a value and a label. `label` names them,
 *  a text or a legend that is seen. */
export function segments(name, label, options, chosen, choose) {
  const radio = ([value, text]) =>
    h(
      "label",
      {},
      h("input", {
        type: "radio",
        name,
        value,
        checked: value === chosen,
        onchange: () => choose(value),
      }),
      h("span", {}, text),
    );
  const [said, seen] = typeof label === "string" ? [label, null] : [null, label];
  const looks = { class: "segments", "aria-label": said };
  return h("fieldset", looks, seen, ...options.map(radio));
}
