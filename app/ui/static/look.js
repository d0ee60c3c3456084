// Light or dark: the system's choice until the artist makes one. `entrance.js` carries it out.

const KEY = "gesso.look";

export const LOOKS = ["system", "light", "dark"];

export function look() {
  return localStorage.getItem(KEY) ?? "system";
}

export function chooseLook(wanted) {
  if (wanted === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  document.dispatchEvent(new CustomEvent("gesso:look"));
}
