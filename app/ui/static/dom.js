// Elements are built here and only with text nodes: names, prompts and metadata are hostile text.

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
  right: "M8 4l6 6-6 6",
  moon: "M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.500 7.500z",
  seed: "M10 17v-6m0 0c0-4 2.500-6.500 6.500-6.500 0 4-2.500 6.500-6.500 6.500zm0 2c0-3-2-5-5.500-5 0 3 2 5 5.500 5z",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.500 4.500l1 1M14.500 14.500l1 1M4.500 15.500l1-1M14.500 5.500l1-1",
  swap: "M3 7h13m-3-3l3 3-3 3M17 14H4m3-3l-3 3 3 3",
  warn: "M10 7v4m0 2.500v.1M10 2.500L18 16.500H2z",
};
