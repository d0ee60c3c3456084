import { h } from "./dom.js";
import { iconButton } from "./icons.js";
import { t } from "./language.js";

const SHAPE = 22;

/** The pick of a size: the checkpoint's own sizes as drawn shapes, two boxes, and a swap. */
export function size(element, props, watch) {
  const box = (label) =>
    h("input", {
      type: "number",
      "aria-label": label,
      inputmode: "numeric",
      min: props.minimum,
      max: props.maximum,
      step: props.step,
      oninput: changed,
    });
  const width = box(t("size.width"));
  const height = box(t("size.height"));
  const shapes = h("div", { class: "shapes", role: "group", "aria-label": t("size.shapes") });

  function changed() {
    props.value = `${width.value}x${height.value}`;
    press();
  }

  function choose(w, h) {
    [width.value, height.value] = [w, h];
    changed();
  }

  function press() {
    for (const shape of shapes.children) {
      shape.setAttribute(
        "aria-pressed",
        String(shape.dataset.size === `${width.value}x${height.value}`),
      );
    }
  }

  function fill() {
    [width.value, height.value] = String(props.value ?? "").split("x");
    press();
  }

  function offer() {
    const sizes = props.sizes ?? [];
    // Room for the longest, with a space on either side of its cross.
    shapes.style.setProperty("--longest", Math.max(7, ...sizes.map((name) => name.length)) + 2);
    shapes.replaceChildren(...sizes.map((name) => shape(name, choose)));
    press();
  }

  const swap = iconButton("swap", t("size.swap"), () => choose(height.value, width.value));
  element.replaceChildren(
    h(
      "div",
      { class: "size" },
      h("span", { class: "label" }, t("field.size.label")),
      shapes,
      h("div", { class: "sides" }, width, swap, height),
    ),
  );
  offer();
  fill();
  watch("value", fill);
  watch("sizes", offer);
}

function shape(name, choose) {
  const [w, tall] = name.split("x").map(Number);
  const scale = SHAPE / Math.max(w, tall);
  const style = `width:${Math.round(w * scale)}px;height:${Math.round(tall * scale)}px`;
  return h(
    "button",
    {
      class: "shape",
      type: "button",
      "data-size": name,
      "aria-label": t("size.shape", { width: w, height: tall }),
      onclick: () => choose(w, tall),
    },
    h("span", { class: "frame" }, h("i", { style })),
    `${w} × ${tall}`,
  );
}
