// The page's side of /api/v1; gallery-api.js and queue-api.js have the rest of it. Seeds are kept as
// text: they are wider than a JavaScript number.

import { t } from "./language.js";

const ROOT = "/api/v1";

export const previewUrl = (job, version) =>
  `${ROOT}/jobs/${encodeURIComponent(job)}/preview?v=${version}`;
export const pictureUrl = (id) => `${ROOT}/pictures/${encodeURIComponent(id)}.png`;
export const downloadUrl = (id) => `${pictureUrl(id)}?download=1`;
export const thumbnailUrl = (id) => `${ROOT}/pictures/${encodeURIComponent(id)}/thumbnail`;

/** What the server answers. What it refuses is an Error with its `status`, `message`, `cure`, `field`
 *  and `kind`; where nobody answers the status is 0. */
export async function ask(path, options = {}) {
  const [status, answer] = await fetch(ROOT + path, options)
    .then(async (response) => [response.status, json((await response.text()) || "null")])
    .catch(() => [0, { message: t("notice.silent"), cure: t("gallery.silent.cure") }]);
  if (status >= 200 && status < 300) return answer;
  throw Object.assign(new Error(answer.message), answer, { status });
}

/** The options of a request that brings a value. */
export function bringing(method, value) {
  const headers = { "Content-Type": "application/json" };
  return { method, headers, body: JSON.stringify(value) };
}

/** What a picture file says of its making: `{ source, values, differences }`, or `{ error }`. */
export function settingsOf(file) {
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  return ask("/reuse", { method: "POST", headers, body: file }).catch(unsent);
}

/** The same of a picture of the gallery. */
export function settingsOfPicture(id) {
  return ask(`/pictures/${encodeURIComponent(id)}/reuse`).catch(unsent);
}

/** How many tokens each chunk of a prompt for a checkpoint has: `{ chunks, limit }`, or null. */
export function countTokens(prompt, checkpoint) {
  return ask("/prompt/count", bringing("POST", { prompt, checkpoint })).catch(() => null);
}

/** What Gesso runs on and what is wrong with it, or null while the server does not answer. */
export function examination() {
  return ask("/doctor").catch(() => null);
}

/** JSON with every "seed" as text. A quote inside a string is escaped, so only keys match. */
export function json(source) {
  return JSON.parse(source.replace(/([{,]\s*"seed"\s*:\s*)(\d+)/g, '$1"$2"'));
}

function unsent(error) {
  const silent = { message: t("drop.unsent"), cure: t("drop.unsent.cure") };
  return { error: error.status ? error : silent };
}
