// Elements are built here and only with text nodes: names, prompts and metadata are hostile text.

import { t } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("button", { class: "quiet", onclick: f }, "Text", child)`. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

function set(element, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Text that came from outside, kept from reordering its surroundings. */
export function bdi(text) {
  return h("bdi", {}, String(text));
}

/** Make these the children, in order, without touching one that stays: it may hold the focus. */
export function arrange(parent, elements) {
  for (const child of [...parent.children]) if (!elements.includes(child)) child.remove();
  elements.forEach((element, place) => {
    const there = parent.children[place];
    if (there !== element) parent.insertBefore(element, there ?? null);
  });
}

/** A dialog over the page, to be opened with `showModal`; it goes when it is closed. */
export function dialog(id, title, ...content) {
  const close = () => whole.close();
  const name = `${id}-title`;
  const whole = h(
    "dialog",
    { id, class: "dialog", "aria-labelledby": name },
    h(
      "header",
      {},
      h("h2", { id: name }, title),
      h(
        "button",
        { class: "quiet", type: "button", "aria-label": t("dialog.close"), onclick: close },
        icon(ICONS.close),
      ),
    ),
    ...content,
  );
  whole.addEventListener("click", ({ target }) => target === whole && close());
  whole.addEventListener("close", () => whole.remove());
  document.body.append(whole);
  return whole;
}

/** A 20 px line icon from one path. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  svg.classList.add("icon");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const ICONS = {
  again: "M4 10a6 6 0 1 0 2-4.5M4 3v3.5h3.5",
  close: "M5 5l10 10M15 5L5 15",
  download: "M10 3v10m-4-4l4 4 4-4M4 17h12",
  expand: "M12 3h5v5M8 17H3v-5M17 3l-6 6M3 17l6-6",
  left: "M12 4l-6 6 6 6",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  moon: "M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.5 7.5z",
  right: "M8 4l6 6-6 6",
  seed: "M10 17v-6m0 0c0-4 2.5-6.5 6.5-6.5 0 4-2.5 6.5-6.5 6.5zm0 2c0-3-2-5-5.5-5 0 3 2 5 5.5 5z",
  sun:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18" +
    "M4.5 4.5l1 1M14.5 14.5l1 1M4.5 15.5l1-1M14.5 5.5l1-1",
  swap: "M3 7h13m-3-3l3 3-3 3M17 14H4m3-3l-3 3 3 3",
  warn: "M10 7v4m0 2.5v.1M10 2.5L18 16.5H2z",
};
