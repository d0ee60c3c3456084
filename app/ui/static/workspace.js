// The form, the open pictures and the chosen tab, kept on the server as they change, so that any
// page that opens finds them. The rules for several pages stand in app/studio/workspace.py.

import { ask, bringing } from "./api.js";
import { feed } from "./feed.js";
import { field } from "./fields.js";
import { Keeper } from "./keeper.js";
import { addressed, go, workingTab } from "./tabs.js";

const ROOT = "/workspace";
const KEEPALIVE = 60_000; // bytes of requests that may outlive their page
const SHARED = "shared";

let keeper = null;
let fields = []; // [form, name, kind] in the order of the widgets
let raise = () => {};
let pending = []; // what the widgets are filled with next: { values, kept }, in order
let resolve = null;

/** What was found when the page was opened: `{ tab, tabs }`, or null where nothing answered. */
export const found = new Promise((done) => (resolve = done));

/** `props.fields`: by form and name, `[kind, value]` of each widget. `fill()` has `filling` asked. */
export async function workspace(props, fill) {
  const forms = Object.entries(props.fields);
  const values = forms.map(([form, own]) => [
    form,
    Object.fromEntries(Object.entries(own).map(([name, [, value]]) => [name, value])),
  ]);
  fields = forms.flatMap(([form, own]) =>
    Object.entries(own).map(([name, [kind]]) => [form, name, kind]),
  );
  raise = fill;
  keeper = new Keeper(Object.fromEntries(values), { send, fill: put });
  listen();
  const kept = await refresh();
  if (kept?.tab && !addressed()) go(kept.tab);
  keepTab(kept?.tab);
  document.body.dataset.workspace = kept ? "found" : "lost";
  resolve(kept);
}

/** A widget reports its value, typed or filled in; every part of the page hears `gesso:field`. */
export function changed(form, name, value) {
  document.dispatchEvent(new CustomEvent("gesso:field", { detail: { form, name, value } }));
  const text = fields.some((known) => known[0] === form && known[1] === name && known[2] === "text");
  keeper?.changed(form, name, text ? String(value ?? "") : value);
}

/** All widgets report theirs, also those of tabs that are not on the page yet. */
export function looked(...values) {
  fields.forEach(([form, name], place) => changed(form, name, values[place]));
}

/** The picture that is open in the working tab; null: always the newest. */
export function opened(picture) {
  keeper?.opened(workingTab(), picture);
}

/** What all widgets hold, for `restore`. */
export function values() {
  return keeper?.values() ?? {};
}

/** Put all widgets back to what they held. */
export function restore(former) {
  put(keeper.different(former), () => false);
}

/** What Gradio puts into its widgets: first the checkpoint they are filled for. */
export function filling() {
  const all = pending.splice(0).reverse();
  const value = (form, name) => {
    const given = ({ values, kept }) => name in (values[form] ?? {}) && !kept(form, name);
    return all.find(given)?.values[form][name];
  };
  return [value(SHARED, "checkpoint"), ...fields.map(([form, name]) => value(form, name))];
}

function put(values, kept) {
  pending.push({ values, kept });
  raise();
}

function listen() {
  document.addEventListener("input", ({ target }) => typed(target), { capture: true });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) keeper.flush();
    else refresh();
  });
  addEventListener("focus", refresh);
  addEventListener("pagehide", () => keeper.leave());
  feed.addEventListener("back", refresh);
}

/** Gradio reports text a moment after it was typed: too late if the page is left just then. */
function typed(box) {
  if (!box.matches?.("textarea, input[type=text]:not([role=combobox])")) return;
  const [form, name] =
    fields.find(
      ([form, name, kind]) =>
        kind === "text" && [SHARED, workingTab()].includes(form) && field(name)?.contains(box),
    ) ?? [];
  if (form) keeper.changed(form, name, box.value);
}

async function refresh() {
  await keeper.flush();
  const { error, ...kept } = await request("GET", ROOT);
  if (!kept.tabs) return null;
  keeper.takeOver(kept);
  return kept;
}

function keepTab(kept) {
  document.addEventListener("gesso:tab", ({ detail: tab }) => {
    if (tab !== kept) request("PUT", ROOT, { tab });
    kept = tab;
  });
}

function send(form, body, leaving) {
  return request("PATCH", `${ROOT}/${form}`, body, leaving);
}

/** The answer, or `{ status, error }`; `{}` where nothing answers. */
function request(method, path, body, leaving = false) {
  const options = body ? bringing(method, body) : { method };
  const keepalive = leaving && options.body.length < KEEPALIVE;
  return ask(path, { ...options, keepalive }).catch((error) =>
    error.status ? { status: error.status, error } : {},
  );
}
