// The page's side of /api/v1. Seeds are kept as text: they are wider than a JavaScript number.

import { t } from "./language.js";

const ROOT = "/api/v1";

export const previewUrl = (job, version) =>
  `${ROOT}/jobs/${encodeURIComponent(job)}/preview?v=${version}`;
export const pictureUrl = (id) => `${ROOT}/pictures/${encodeURIComponent(id)}.png`;
export const downloadUrl = (id) => `${pictureUrl(id)}?download=1`;
export const thumbnailUrl = (id) => `${ROOT}/pictures/${encodeURIComponent(id)}/thumbnail`;

/** The newest pictures, newest first, or null while the server does not answer. */
export async function pictures(limit) {
  return text(`${ROOT}/pictures?limit=${limit}`).then(json, () => null);
}

/** What is known of a picture: `{ info, recipe, facts }`; null where it is not there any more. */
export async function picture(id) {
  return text(`${ROOT}/pictures/${encodeURIComponent(id)}`).then(json, () => null);
}

/** Stop a job, running or waiting. What came of it is told by the events. */
export async function stop(job) {
  await text(`${ROOT}/jobs/${encodeURIComponent(job)}`, { method: "DELETE" }).catch(() => {});
}

/** What a picture file says of its making: `{ source, values, differences }`, or `{ error }`. */
export function settingsOf(file) {
  const headers = { "Content-Type": file.type || "application/octet-stream" };
  return told(`${ROOT}/reuse`, { method: "POST", headers, body: file });
}

/** The same of a picture of the gallery. */
export function settingsOfPicture(id) {
  return told(`${ROOT}/pictures/${encodeURIComponent(id)}/reuse`);
}

async function told(url, options) {
  try {
    const response = await fetch(url, options);
    const answer = json(await response.text());
    return response.ok ? answer : { error: answer };
  } catch {
    return { error: { message: t("drop.unsent"), cure: t("drop.unsent.cure") } };
  }
}

/** How many tokens each chunk of a prompt has: `{ chunks, limit, too_long }`, or null. */
export async function countTokens(prompt) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ prompt });
  return text(`${ROOT}/prompt/count`, { method: "POST", headers, body }).then(json, () => null);
}

/** What Gesso runs on and what is wrong with it, or null while the server does not answer. */
export async function examination() {
  return text(`${ROOT}/doctor`).then(json, () => null);
}

async function text(url, options) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${response.status} ${url}`);
  return response.text();
}

/** JSON with every "seed" as text. A quote inside a string is escaped, so only keys match. */
export function json(source) {
  return JSON.parse(source.replace(/([{,]\s*"seed"\s*:\s*)(\d+)/g, '$1"$2"'));
}
