// Line icons, 20 px, and buttons that show nothing else.

import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  again: "M4 10a6 6 0 1 0 2-4.5M4 3v3.5h3.5",
  check: "M5 10.5l3.5 3.5L15.5 6.5",
  close: "M5 5l10 10M15 5L5 15",
  compare: "M10 2.5v15M3 5h4.5v10H3zM12.5 5H17v10h-4.5z",
  down: "M10 4v12m-5-5l5 5 5-5",
  download: "M10 3v10m-4-4l4 4 4-4M4 17h12",
  eject: "M10 4l6 7H4zM4 15.5h12",
  expand: "M12 3h5v5M8 17H3v-5M17 3l-6 6M3 17l6-6",
  filter: "M3 5h14M5.5 10h9M8 15h4",
  caret: "M5.5 8.5h9L10 13z",
  first: "M4 4h12M10 17V8m-4 4l4-4 4 4",
  grip: "M7 5h.1M13 5h.1M7 10h.1M13 10h.1M7 15h.1M13 15h.1",
  info: "M10 9v5M10 6v.1M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z",
  left: "M12 4l-6 6 6 6",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  queue: "M3 4.5h14M3 9.5h7M3 14.5h7M13 9v8l4.5-4z",
  right: "M8 4l6 6-6 6",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
  seed: "M10 17v-6m0 0c0-4 2.5-6.5 6.5-6.5 0 4-2.5 6.5-6.5 6.5zm0 2c0-3-2-5-5.5-5 0 3 2 5 5.5 5z",
  split: "M3 10h4l4-4.5h6M7 10l4 4.5h6",
  star: "M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.1l5-.7z",
  swap: "M3 7h13m-3-3l3 3-3 3M17 14H4m3-3l-3 3 3 3",
  trash: "M4 6h12M8 6V3.5h4V6M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v4.5M11.5 9v4.5",
  up: "M10 16V4M5 9l5-5 5 5",
  warn: "M10 7v4m0 2.5v.1M10 2.5L18 16.5H2z",
};

/** An icon by its name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  line.setAttribute("d", PATHS[name]);
  svg.append(line);
  return svg;
}

/** A button with an icon alone; `label` is what it says to those who ask. */
export function iconButton(name, label, onclick, attributes = {}) {
  const said = { "aria-label": label, title: label };
  const all = { class: "quiet", type: "button", ...said, onclick, ...attributes };
  return h("button", all, icon(name));
}
