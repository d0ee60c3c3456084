// The first page: what there is to paint with, and how more of it comes here.

import { Folders } from "./folders.js";
import { h } from "./dom.js";
import { t } from "./language.js";

/** Shown while only the starter is here. Once shown it stays, to tell what came of it. */
export function firstRun() {
  const room = h("section", { id: "first-run", "aria-label": t("folders.title"), hidden: true });
  const folders = new Folders(({ first_run: first }) => {
    if (first) room.hidden = false;
  });
  room.append(folders.element);
  return room;
}
