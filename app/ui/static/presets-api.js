// The page's side of /api/v1/presets. What fails is an Error: see `ask`.

import { ask, bringing } from "./api.js";

const ROOT = "/presets";

/** `[{ name, values }]`, by name. */
export const list = () => ask(ROOT);

/** `{ name, values, differences }`: what of a preset can be had here. */
export const recall = (name) => ask(at(name));

/** Keep values under a name, in place of what is kept there. */
export const put = (name, values) => ask(`${at(name)}?replace=true`, bringing("PUT", values));

/** Delete a preset; gives its `{ name, values }`. */
export const remove = (name) => ask(at(name), { method: "DELETE" });

function at(name) {
  return `${ROOT}/${encodeURIComponent(name)}`;
}
