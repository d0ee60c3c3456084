// What the page says, in the artist's language. The catalogue is there before any part is built.

const ROOT = "/gesso/words";

/** The language of the page: the entrance has chosen it before any script ran. */
export const language = globalThis.document?.documentElement?.lang || "en";

/** The codes of all languages that the page speaks. */
export const languages = spoken();

const plurals = new Intl.PluralRules(language);
let catalogue = {};

/** Say everything from this catalogue: `{ key: text }`. */
export function use(words) {
  catalogue = words;
}

/** The text of a key, its `{names}` filled in: `t("queue.waiting", { count: 3 })`. */
export function t(key, values = {}) {
  return split(key)
    .map((part, place) => (place % 2 ? (values[part] ?? `{${part}}`) : part))
    .join("");
}

/** The same with elements filled in, as children for `h`: `...rich("notice.from", { app: bdi(x) })`. */
export function rich(key, values) {
  return split(key).map((part, place) => (place % 2 ? values[part] : part));
}

/** The text for a number of things: keys `<key>.one` and `<key>.other`, with `{count}`. */
export function n(key, count, values = {}) {
  return t(`${key}.${plurals.select(count)}`, { count: number(count), ...values });
}

/** A number as it is written in the language of the page. */
export function number(value, options = {}) {
  return new Intl.NumberFormat(language, options).format(value);
}

/** Text and names in turn: "a {b} c" gives ["a ", "b", " c"]. */
function split(key) {
  return (catalogue[key] ?? key).split(/\{(\w+)\}/);
}

function spoken() {
  const entrance = globalThis.document?.querySelector?.("script[data-languages]");
  return entrance?.dataset.languages.split(" ") ?? [language];
}

async function load() {
  const answer = await fetch(`${ROOT}/${language}.json`);
  return answer.ok ? answer.json() : {};
}

// Without a catalogue the keys stand in for the texts, and everything still works.
if (globalThis.document?.documentElement) use(await load().catch(() => ({})));
