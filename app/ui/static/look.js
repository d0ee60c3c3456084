// Light or dark: the system's choice until the artist makes one.

const KEY = "gesso.look";

export function restoreLook() {
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.body.classList.toggle("dark", chosen === "dark");
}

export function toggleLook() {
  const dark = document.body.classList.toggle("dark");
  localStorage.setItem(KEY, dark ? "dark" : "light");
}
