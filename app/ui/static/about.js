// What Gesso runs on here, and what is wrong with it, as `gesso doctor` tells it.

import { examination } from "./api.js";
import { dialog } from "./dialog.js";
import { bdi, h, terms } from "./dom.js";
import { icon } from "./icons.js";
import { n, t } from "./language.js";
import { bytes } from "./words.js";

const USES = ["models", "pictures", "data"];

/** The dialog about this machine. */
export async function about() {
  const content = h("div", {}, h("p", { role: "status" }, t("about.looking")));
  dialog("about", t("about.title"), content).showModal();
  const report = await examination();
  if (report) content.replaceChildren(problems(report), facts(report));
  else content.replaceChildren(h("p", { role: "status" }, t("notice.silent")));
}

function problems({ problems: found }) {
  if (!found.length) return h("p", { class: "well" }, t("about.well"));
  const item = ({ message, cure }) =>
    h("li", {}, icon("warn"), h("div", {}, h("strong", {}, bdi(message)), " ", bdi(cure)));
  return h("ul", { class: "problems", lang: "en" }, ...found.map(item));
}

function facts({ python, platform, packages, engine, memory, folders, models }) {
  const { total, available } = memory;
  const rows = [
    [t("about.device"), [engine.device, engine.dtype].filter(Boolean).join(" · ")],
    [t("about.checkpoint"), engine.checkpoint],
    [t("about.memory"), t("about.free", { free: bytes(available), total: bytes(total) })],
    [t("about.models"), n("about.checkpoints", models.checkpoints)],
    ...folders.filter(({ use }) => USES.includes(use)).map(folder),
    [t("about.system"), `${platform} · Python ${python}`],
    [t("about.versions"), Object.entries(packages).map((pair) => pair.join(" ")).join(" · ")],
  ];
  return terms(rows.filter(([, value]) => value));
}

function folder({ use, path, free }) {
  const room = free && t("about.room", { free: bytes(free) });
  return [t(`about.folder.${use}`), [path, room].filter(Boolean).join(" · ")];
}
