// The gallery's side of /api/v1/pictures. What fails is an Error with `message` and `cure`.

import { json } from "./api.js";
import { t } from "./language.js";

const ROOT = "/api/v1/pictures";

/** Pictures that match `filter` (`text`, `checkpoint`, `seed`, `from`, `to`, `favourite`), newest
 *  first; `place`: `limit`, `offset`, `before`. */
export const list = (filter, place) => ask(`?${query({ ...filter, ...place })}`);

/** `[{ day, count }]`, newest first, of the pictures that match. */
export const days = (filter) => ask(`/days?${query(filter)}`);

/** `[{ name, count }]` of the checkpoints that made pictures. */
export const checkpoints = () => ask("/checkpoints");

/** `{ info, recipe, facts, bytes }` of a picture. */
export const picture = (id) => ask(`/${encodeURIComponent(id)}`);

/** Make a picture a favourite, or not. */
export const favour = (id, favourite) =>
  ask(`/${encodeURIComponent(id)}/favourite`, { method: favourite ? "PUT" : "DELETE" });

/** Move pictures to the trash; gives the ids of those that were there. */
export const remove = (ids) => send("/delete", ids);

/** Give pictures back; gives the ids of those that came. */
export const restore = (ids) => send("/restore", ids);

async function send(path, ids) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ ids });
  return (await ask(path, { method: "POST", headers, body })).ids;
}

async function ask(path, options) {
  const response = await fetch(`${ROOT}${path}`, options).catch(() => null);
  if (response?.ok) return json(await response.text());
  const told = response ? await response.json().catch(() => null) : null;
  const error = new Error(told?.message ?? t("notice.silent"));
  error.cure = told?.cure ?? t("gallery.silent.cure");
  throw error;
}

function query(values) {
  const set = Object.entries(values).filter(
    ([, value]) => value != null && value !== "" && value !== false,
  );
  return new URLSearchParams(set).toString();
}
