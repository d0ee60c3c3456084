// What the artist does to pictures, from wherever on the page: every part hears of it by
// "gesso:pictures" on the document, `{ gone: [ids], back: [ids], favourite: { id, favourite } }`.

import * as api from "./gallery-api.js";
import { n, t } from "./language.js";
import { fail, offer } from "./toast.js";

/** Delete pictures; for a while they can be had back with one press. Says whether they are gone. */
export async function remove(ids) {
  try {
    const gone = await api.remove(ids);
    tell({ gone });
    if (gone.length)
      offer(n("gallery.deleted", gone.length), t("gallery.undo"), () => restore(gone));
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

/** Make pictures favourites, or not. */
export async function favour(ids, favourite) {
  for (const id of ids) {
    try {
      await api.favour(id, favourite);
      tell({ favourite: { id, favourite } });
    } catch (error) {
      return fail(error);
    }
  }
}

/** Have the form filled from a picture: its "settings" or its "seed". */
export function reuse(picture, what) {
  document.dispatchEvent(new CustomEvent("gesso:reuse", { detail: { picture, what } }));
}

/** Call `listener({ gone, back, favourite })` after each change. */
export function onChange(listener) {
  document.addEventListener("gesso:pictures", ({ detail }) => listener(detail));
}

async function restore(ids) {
  try {
    tell({ back: await api.restore(ids) });
  } catch (error) {
    fail(error);
  }
}

function tell({ gone = [], back = [], favourite = null }) {
  const detail = { gone, back, favourite };
  document.dispatchEvent(new CustomEvent("gesso:pictures", { detail }));
}
