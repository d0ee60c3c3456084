// The gallery's side of /api/v1/pictures. What fails is an Error: see `ask`.

import { ask, bringing } from "./api.js";

const ROOT = "/pictures";
const AT_ONCE = 1000; // ids that the server takes in one request

/** Pictures that match `filter` (`text`, `checkpoint`, `seed`, `from`, `to`, `favourite`), newest
 *  first; `place`: `limit`, `offset`, `before`. */
export const list = (filter, place) => ask(`${ROOT}?${query({ ...filter, ...place })}`);

/** `[{ day, count }]`, newest first, of the pictures that match. */
export const days = (filter) => ask(`${ROOT}/days?${query(filter)}`);

/** `[{ name, count }]` of the checkpoints that made pictures. */
export const checkpoints = () => ask(`${ROOT}/checkpoints`);

/** `{ info, recipe, facts, bytes }` of a picture. */
export const picture = (id) => ask(`${ROOT}/${encodeURIComponent(id)}`);

/** Make a picture a favourite, or not. */
export const favour = (id, favourite) =>
  ask(`${ROOT}/${encodeURIComponent(id)}/favourite`, { method: favourite ? "PUT" : "DELETE" });

/** Move pictures to the trash; gives the ids of those that were there. */
export const remove = (ids) => send("/delete", ids);

/** Give pictures back; gives the ids of those that came. */
export const restore = (ids) => send("/restore", ids);

async function send(path, ids) {
  const done = [];
  for (let k = 0; k < ids.length; k += AT_ONCE) {
    const some = ids.slice(k, k + AT_ONCE);
    done.push(...(await ask(ROOT + path, bringing("POST", { ids: some }))).ids);
  }
  return done;
}

function query(values) {
  const set = Object.entries(values).filter(
    ([, value]) => value != null && value !== "" && value !== false,
  );
  return new URLSearchParams(set).toString();
}
