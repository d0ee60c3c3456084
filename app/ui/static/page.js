// The page's parts, and what each gr.HTML calls to put itself in place.

import { bdi } from "./dom.js";
import { Drop } from "./drop.js";
import { selectOnFocus, shutLists, tabPastLists, toPrompt, type } from "./fields.js";
import { feed } from "./feed.js";
import { header as buildHeader } from "./header.js";
import { pageShortcuts } from "./keys.js";
import { rich, t } from "./language.js";
import { Notice } from "./notice.js";
import { announce } from "./notify.js";
import { stop as stopJob } from "./queue-api.js";
import { Stage } from "./stage.js";
import { goToForm, plainId } from "./tabs.js";
import { countPrompts } from "./tokens.js";
import * as workspace from "./workspace.js";

export { size } from "./size.js";

let stage = null;
let notice = null;
let drop = null;
let before = null; // what the form held when it was last asked to be filled

const BUTTONS = {
  stop,
  "seed-random": () => type("seed", ""),
  "seed-last": () => stage?.reuseSeed(),
  "reuse-file": () => drop?.choose(),
  reset: overwriting,
};

/** Gradio's buttons that need no answer from the server. */
function listenToButtons() {
  const pressed = (event) => {
    const button = event.target instanceof Element && event.target.closest("button[id]");
    if (!button) return;
    if (button.id.startsWith("generate") && feed.lost) holdBack(event);
    else if (button.id === "generate" && (event.shiftKey || event.altKey)) generateFirst(event);
    else BUTTONS[plainId(button.id)]?.();
  };
  document.addEventListener("click", pressed, { capture: true });
}

/** Before all jobs that wait. */
function generateFirst(event) {
  event.stopImmediatePropagation();
  press("generate-first");
}

function press(button) {
  document.getElementById(button)?.click();
}

/** Gradio would reload the page as soon as the server is back, and with it lose what was typed. */
function holdBack(event) {
  event.stopImmediatePropagation();
  notice?.show({ message: t("notice.silent"), cure: t("notice.silent.cure") });
}

/** `models()` is called when the model folders have changed. */
export function header(element, models) {
  selectOnFocus();
  tabPastLists();
  shutLists();
  listenToButtons();
  pageShortcuts({ generate: () => press("generate"), first: () => press("generate-first"), stop });
  buildHeader(element, feed);
  announce(feed);
  countPrompts("prompt", "negative_prompt");
  feed.watch("models", models);
  feed.start();
}

/** The form is about to be filled. */
function overwriting() {
  before = workspace.values();
}

/** What puts back what the form held before it was filled. */
function undo() {
  const values = before;
  return () => workspace.restore(values);
}

/** `value` is the answer to the last press of Generate, `{ job }` or `{ error }`, or of Reset,
 *  `{ filled }`, as JSON. */
export function answers(element, props, watch) {
  notice = new Notice(element);
  const answered = () => {
    const { job, error, filled } = JSON.parse(props.value || "{}");
    if (filled) return notice.say(t("form.was_reset"), undo());
    notice.show(error ?? null);
    if (job) stage?.follow(job);
  };
  watch("value", answered);
  if (props.value) answered(); // the form was filled before this part was there
}

/** `fill(picture, what, values)` asks the server to fill the form. */
export function results(element, props, fill) {
  const reuse = (picture, what, values) => {
    if (what === "settings") return drop.recall(picture);
    overwriting();
    goToForm();
    fill(picture, what, values);
  };
  stage = new Stage(element, props, {
    reuse,
    opened: workspace.opened,
    example: (prompt) => {
      type("prompt", prompt);
      toPrompt();
    },
    failed: (error) => notice?.show(error),
  });
  const take = (said, { values, differences }) => {
    reuse(null, "values", values);
    notice?.tell(said, differences, undo());
  };
  drop = new Drop({
    taken: ({ source, ...settings }) => take(rich("notice.from", { app: bdi(source) }), settings),
    failed: (error) => {
      goToForm();
      notice?.show(error);
    },
  });
  document.addEventListener("gesso:reuse", ({ detail: { picture, what } }) => reuse(picture, what));
  document.addEventListener("gesso:preset", ({ detail: { name, ...settings } }) =>
    take(rich("presets.taken", { name: bdi(name) }), settings),
  );
  document.addEventListener("gesso:use", ({ detail: { role, name } }) => {
    reuse(null, role === "checkpoint" ? role : "values", { [role]: name });
    notice?.tell(rich("models.taken", { name: bdi(name) }), [], undo());
  });
  document.addEventListener("gesso:tab", () => stage.turn());
  workspace.found.then((kept) => kept && stage.restore(kept.tabs));
  feed.subscribe((snapshot) => {
    stage.update(snapshot);
    document.body.classList.toggle("painting", stage.unfinished.length > 0);
    const button = document.getElementById("stop");
    if (button) button.disabled = stage.unfinished.length === 0;
  });
  feed.watch("pictures", () => stage.load());
  feed.addEventListener("back", () => {
    notice?.show(null);
    stage.load();
  });
  stage.load();
}

/** Stop what is being painted; what waits goes on. False where nothing is. */
export function stop() {
  const [first] = stage?.unfinished ?? [];
  if (first) stopJob(first.id);
  return Boolean(first);
}
