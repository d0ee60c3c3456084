// The page's side of /api/v1/presets. What fails is an Error with `message` and `cure`.

import { json } from "./api.js";
import { t } from "./language.js";

const ROOT = "/api/v1/presets";
const HEADERS = { "Content-Type": "application/json" };

/** `[{ name, values }]`, by name. */
export const list = () => ask("");

/** `{ name, values, differences }`: what of a preset can be had here. */
export const recall = (name) => ask(at(name));

/** Keep values under a name, in place of what is kept there. */
export const put = (name, values) =>
  ask(`${at(name)}?replace=true`, {
    method: "PUT",
    headers: HEADERS,
    body: JSON.stringify(values),
  });

/** Delete a preset; gives its `{ name, values }`. */
export const remove = (name) => ask(at(name), { method: "DELETE" });

const at = (name) => `/${encodeURIComponent(name)}`;

async function ask(path, options) {
  const response = await fetch(ROOT + path, options).catch(() => null);
  if (response?.ok) return json(await response.text());
  const told = response ? await response.json().catch(() => null) : null;
  const error = new Error(told?.message ?? t("notice.silent"));
  error.cure = told?.cure ?? t("gallery.silent.cure");
  throw error;
}
