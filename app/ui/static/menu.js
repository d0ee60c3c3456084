// What the artist may choose about the page itself. Kept in the browser.

import { about } from "./about.js";
import { h } from "./dom.js";
import { showFolders } from "./folders.js";
import { iconButton } from "./icons.js";
import { keep, kept } from "./kept.js";
import { language, languages, t } from "./language.js";
import { chooseLook, look, LOOKS } from "./look.js";
import { canNotify, notifies, setNotify } from "./notify.js";
import { segments } from "./segments.js";
import { showShortcuts } from "./shortcuts.js";

const LANGUAGE = "language";

/** The button and the list that it opens. */
export function menu() {
  const list = h(
    "div",
    { id: "menu", class: "popup", popover: "auto", role: "dialog", "aria-label": t("menu.label") },
    choice("look", LOOKS.map((name) => [name, t(`menu.look.${name}`)]), look(), chooseLook),
    choice("language", ["", ...languages].map(named), chosenLanguage(), chooseLanguage),
    notification(),
    action(t("folders.title"), showFolders),
    action(t("shortcuts.title"), showShortcuts),
    action(t("about.title"), about),
  );
  const button = iconButton("menu", t("menu.label"), null, { popovertarget: "menu" });
  return [button, list];
}

function choice(name, options, chosen, choose) {
  const legend = h("legend", {}, t(`menu.${name}`));
  return segments(`menu-${name}`, legend, options, chosen, choose);
}

function notification() {
  if (!canNotify()) return null;
  const box = h("input", { type: "checkbox", role: "switch", checked: notifies() });
  const told = h("small", { role: "status" });
  box.addEventListener("change", async () => {
    box.checked = await setNotify(box.checked);
    told.textContent = Notification.permission === "denied" ? t("menu.notify.denied") : "";
  });
  return h("label", { class: "switch" }, box, h("span", {}, t("menu.notify"), told));
}

function action(label, run) {
  const pressed = () => {
    document.getElementById("menu").hidePopover();
    run();
  };
  return h("button", { class: "entry", type: "button", onclick: pressed }, label);
}

function chosenLanguage() {
  return kept(LANGUAGE) ?? "";
}

/** What stands in the form is kept by the server, so the page may be opened anew. */
function chooseLanguage(code) {
  keep(LANGUAGE, code || null);
  location.reload();
}

function named(code) {
  if (!code) return ["", t("menu.language.system")];
  const name = new Intl.DisplayNames([code], { type: "language" }).of(code) ?? language;
  return [code, name];
}
