// Line icons of the gallery, 20 px, as in dom.js.

export const ICONS = {
  check: "M5 10.5l3.5 3.5L15.5 6.5",
  compare: "M10 2.5v15M3 5h4.5v10H3zM12.5 5H17v10h-4.5z",
  filter: "M3 5h14M5.5 10h9M8 15h4",
  info: "M10 9v5M10 6v.1M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
  star: "M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.1l5-.7z",
  trash: "M4 6h12M8 6V3.5h4V6M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v4.5M11.5 9v4.5",
};
