// The page's side of /api/v1/models. What fails is an Error: see `ask`.

import { ask, bringing } from "./api.js";

const ROOT = "/models";

const at = ({ role, id }) => `${ROOT}/${role}/${id}`;

/** The picture of a file: see the `preview` of its row. */
export const modelPreviewUrl = (model) => `/api/v1${at(model)}/preview?v=${model.preview_version}`;

/** A page of the files that match `wish` (`role`, `family`, `text`, `checkpoint`, `sort`,
 *  `problems_first`): `{ models, total, broken, scanning }`. */
export function list(wish, { limit, offset }) {
  const set = Object.entries({ ...wish, limit, offset }).filter(([, value]) => value);
  return ask(`${ROOT}?${new URLSearchParams(set)}`);
}

/** `{ roles, families }`: how many files there are of each. */
export const counts = () => ask(`${ROOT}/counts`);

/** What the prompts ask for: `{ loras, hypernetworks, embeddings }`, each `{ name, model, near }`. */
export const asked = (prompts) => ask(`${ROOT}/asked`, bringing("POST", prompts));

/** Everything that is known of a file. */
export const details = (model) => ask(at(model));

/** Keep a note on a file. */
export const write = (model, notes) => ask(`${at(model)}/notes`, bringing("PUT", { notes }));

/** Show a file by a picture of the gallery. */
export const choosePreview = (model, picture) =>
  ask(`${at(model)}/preview`, bringing("PUT", { picture }));

/** Show a file by what it brings itself. */
export const forgetPreview = (model) => ask(`${at(model)}/preview`, { method: "DELETE" });

/** Read a file for its sha256. */
export const readHash = (model) => ask(`${at(model)}/hash`, { method: "POST" });

/** Queue the conversion of a pickled checkpoint. */
export const convert = ({ name }) => ask("/jobs/convert", bringing("POST", { checkpoint: name }));

/** Look into the folders again; `{ scanning: { done, total } | null }`. */
export const rescan = () => ask(`${ROOT}/rescan`, { method: "POST" });

/** How far the folders are read. */
export const scan = () => ask(`${ROOT}/scan`);
