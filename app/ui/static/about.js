// What Gesso runs on here, and what is wrong with it.

import { machine } from "./api.js";
import { bdi, dialog, h } from "./dom.js";
import { t } from "./language.js";

/** The dialog about this machine. */
export async function about() {
  const content = h("div", { class: "about" }, h("p", { role: "status" }, t("about.looking")));
  dialog("about", t("about.title"), content).showModal();
  const found = await machine();
  content.replaceChildren(found ? facts(found) : h("p", {}, t("notice.silent")));
}

function facts({ engine }) {
  const rows = [
    ["about.engine", engine.state],
    ["about.device", engine.device],
    ["about.dtype", engine.dtype],
    ["about.checkpoint", engine.checkpoint],
  ];
  return h(
    "dl",
    {},
    ...rows
      .filter(([, value]) => value)
      .map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, bdi(value)))),
  );
}
