// What the artist hears of while looking elsewhere: the title tells how far the picture is, and a
// notification, where it is wanted, that it is finished.

import { thumbnailUrl } from "./api.js";
import { keep, kept } from "./kept.js";
import { n, number, t } from "./language.js";

const KEY = "notify";
const NAME = "Gesso";
const ENDED = ["done", "failed"];

/** Whether this browser shows notifications for this address at all. */
export function canNotify() {
  return "Notification" in globalThis && isSecureContext;
}

export function notifies() {
  return canNotify() && kept(KEY) === "on" && Notification.permission === "granted";
}

/** Turn notifications on or off; gives how they are then. Asks the artist when turned on. */
export async function setNotify(wanted) {
  const granted = wanted && (await Notification.requestPermission()) === "granted";
  keep(KEY, granted ? "on" : null);
  return granted;
}

/** Follow the jobs from now on. */
export function announce(feed) {
  let unfinished = new Set(); // ids
  let unseen = false; // something ended while nobody looked

  feed.subscribe(({ jobs }) => {
    const ended = jobs.filter(({ id, state }) => unfinished.has(id) && ENDED.includes(state));
    unfinished = new Set(jobs.filter(isUnfinished).map(({ id }) => id));
    if (document.hidden && ended.length) {
      unseen = true;
      if (notifies()) ended.forEach(tell);
    }
    entitle(jobs.find(({ state }) => state === "running"), unseen);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !unseen) return;
    unseen = false;
    entitle(feed.snapshot.jobs.find(({ state }) => state === "running"), unseen);
  });
}

function isUnfinished({ state }) {
  return state === "queued" || state === "running";
}

function tell({ id, prompt, pictures, error, state }) {
  const failed = state === "failed";
  const title = failed ? t("notify.failed") : n("notify.done", pictures.length);
  const icon = pictures.length ? thumbnailUrl(pictures.at(-1)) : "/gesso/mark.svg";
  // Several pages may tell of one job: those with the same tag become one.
  const told = new Notification(title, { body: failed ? error?.message : prompt, icon, tag: id });
  told.addEventListener("click", () => {
    window.focus();
    told.close();
  });
}

/** The title says how far the picture is, and like the mark that one waits to be seen. */
function entitle(running, unseen) {
  const news = unseen ? `✓ ${NAME}` : NAME;
  document.title = running ? `${number(running.fraction, { style: "percent" })} · ${NAME}` : news;
  const mark = unseen ? "/gesso/mark-done.svg" : "/gesso/mark.svg";
  const link = document.querySelector("link[rel=icon]");
  if (link && link.getAttribute("href") !== mark) link.setAttribute("href", mark);
}
