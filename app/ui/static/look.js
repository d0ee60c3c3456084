// Light or dark: the system's choice until the artist makes one. `entrance.js` carries it out.

import { keep, kept } from "./kept.js";

const KEY = "look";

export const LOOKS = ["system", "light", "dark"];

export function look() {
  return kept(KEY) ?? "system";
}

export function chooseLook(wanted) {
  keep(KEY, wanted === "system" ? null : wanted);
  document.dispatchEvent(new CustomEvent("gesso:look"));
}
