// What the model bar says of the engine's memory. Pure functions over the snapshot's `engine`.

import { t } from "./language.js";
import { bytes } from "./words.js";

/** The line: `{ state, name, text, part }`. `state` is "loading", "loaded", "empty" or "free",
 *  `name` the file that is being loaded, `part` how full the meter is, 0 to 1. */
export function line({ state, models }) {
  if (state === "free") return { state, name: "", text: t("bar.empty"), part: 0 };
  const loading = models?.loading;
  if (loading) {
    const { what: name, done, total } = loading;
    return { state: "loading", name, text: of(done, total), part: share(done, total) };
  }
  if (!models?.checkpoint) return { state: "empty", name: "", text: t("bar.empty"), part: 0 };
  const [first, ...more] = tiers(models);
  const mapped = inFiles(models);
  if (mapped && !first.used) {
    return { state: "loaded", name: "", text: t("bar.mapped", { size: bytes(mapped) }), part: 0 };
  }
  const text = [of(first.used, first.budget), ...more.map(({ label, used }) => `${label} ${bytes(used)}`)];
  return { state: "loaded", name: "", text: text.join(" · "), part: share(first.used, first.budget) };
}

/** The kinds of memory there are, first that of the card where there is one:
 *  `{ label, used, budget, text, part }`. */
export function tiers(models) {
  const tier = (label, used, budget) => ({
    label,
    used,
    budget,
    text: of(used, budget),
    part: share(used, budget),
  });
  const ram = tier(t("bar.ram"), models.ram_bytes, models.ram_budget);
  if (models.device_budget === null) return [ram];
  return [tier(t("bar.device"), models.device_bytes, models.device_budget), ram];
}

/** Where one of the `models` lies, in words. */
export function whereabouts({ device_budget: card }, { where, in_use: used }) {
  if (!used) return t("bar.where.parked");
  if (where === "file") return t("bar.where.file");
  return t(where === "device" && card !== null ? "bar.device" : "bar.ram");
}

/** Bytes of what is used where it lies: it takes no memory that could not be had back at once. */
function inFiles({ models }) {
  const sizes = models.filter(({ where }) => where === "file").map(({ bytes: size }) => size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

function of(done, total) {
  return total ? t("progress.bytes", { done: bytes(done), total: bytes(total) }) : bytes(done);
}

function share(used, whole) {
  return whole ? Math.min(1, used / whole) : 0;
}
