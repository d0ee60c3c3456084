// The tags of LoRAs and hypernetworks in a prompt, as pipelines/prompt/networks.py reads them, and
// what the artist changes about them. Pure: text in, text out.

const WEIGHT_LIMIT = 10;
const ESCAPED = /\\([<>:\\])/g;
const SPECIAL = /[<>:\\]/g;
const SYNTAX = /[\\^$.*+?()[\]{}|/]/g;
// A backslash takes what it escapes along, so that no text has two readings.
const ARGUMENTS = String.raw`(?:[^<>\\]|\\(?:[<>:\\]|(?![<>:\\])))+`;
const TAG = new RegExp(`<(lora|lyco|hypernet):(${ARGUMENTS})>`, "gi");
const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;

/** The tags of a prompt, in order: `{ role, name, weight, textWeight, start, end }`, with `weight`
 *  null where the numbers make no sense. `textWeight` is that of the text encoders. */
export function tagsIn(text) {
  return [...text.matchAll(TAG)].map((match) => ({
    role: match[1].toLowerCase() === "hypernet" ? "hypernetwork" : "lora",
    ...read(match[1].toLowerCase(), match[2]),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** The tag that asks for a file. Without a `textWeight` of its own it has one number. */
export function tagOf({ role, name, weight = 1, textWeight = weight }) {
  const weights = weight === textWeight || role !== "lora" ? [weight] : [textWeight, weight];
  const kind = role === "lora" ? "lora" : "hypernet";
  return `<${[kind, name.replace(SPECIAL, "\\$&"), ...weights.map(written)].join(":")}>`;
}

/** The prompt with a tag of `tagsIn` changed: another name, other weights. */
export function changed(text, tag, changes) {
  return text.slice(0, tag.start) + tagOf({ ...tag, ...changes }) + text.slice(tag.end);
}

/** The prompt without a tag of `tagsIn`, and without the blank that it leaves. */
export function without(text, { start, end }) {
  const [before, after] = [text.slice(0, start), text.slice(end)];
  if (!after.trim()) return before.replace(/[ ]+$/, "") + after.trimStart();
  if (/(^|\s)$/.test(before)) return before + after.replace(/^[ ]+/, "");
  return before + after;
}

/** The prompt with a tag behind everything else. */
export function withTag(text, tag) {
  return text && !/\s$/.test(text) ? `${text} ${tag}` : text + tag;
}

/** The prompt with words behind its own, before the tags at its end. */
export function withWords(text, words) {
  let end = text.trimEnd().length;
  for (const tag of tagsIn(text).reverse()) {
    if (tag.end === end) end = text.slice(0, tag.start).trimEnd().length;
  }
  const body = text.slice(0, end).replace(/,$/, "");
  const tail = text.slice(end).replace(/^,/, "").trim();
  return [body ? `${body}, ${words}` : words, tail].filter(Boolean).join(" ");
}

/** The prompt without these words, and without the comma that they leave. */
export function withoutWords(text, words) {
  const place = placeOf(text, words);
  if (!place) return text;
  const [before, after] = [text.slice(0, place[0]), text.slice(place[1])];
  if (/,\s*$/.test(before)) return before.replace(/,\s*$/, "") + after;
  return before + after.replace(/^\s*,?\s*/, before && !/\s$/.test(before) ? " " : "");
}

/** Whether these words stand in a prompt, by themselves and in any case. */
export function hasWords(text, words) {
  return placeOf(text, words) !== null;
}

/** A weight as it is shown and written: at most three digits behind the point. */
export function written(weight) {
  return String(Number(weight.toFixed(3)));
}

/** Where words stand in a prompt outside its tags: `[start, end]`, or null. */
function placeOf(text, words) {
  const said = words.trim().replace(SYNTAX, "\\$&");
  const alone = new RegExp(`(?<![\\p{L}\\p{N}_])${said}(?![\\p{L}\\p{N}_])`, "giu");
  const tags = tagsIn(text);
  for (const { index, 0: found } of said ? text.matchAll(alone) : []) {
    if (!tags.some(({ start, end }) => index >= start && index < end)) {
      return [index, index + found.length];
    }
  }
  return null;
}

/** Name and weights; `weight` is null for numbers that make no sense. */
function read(kind, text) {
  const [name, ...rest] = parts(text);
  const said = { name: name.replace(ESCAPED, "$1"), weight: null, textWeight: null };
  const placed = rest.filter((part) => !part.includes("=")).map(numberOf);
  const named = new Map(rest.filter((part) => part.includes("=")).map(namedPart));
  const known = [...named.keys()].every(
    (key) => kind !== "hypernet" && ["te", "unet"].includes(key),
  );
  const most = kind === "hypernet" ? 1 : 2;
  if (!name || !known || placed.length > most) return said;
  const textWeight = named.get("te") ?? placed[0] ?? 1;
  const weight = named.get("unet") ?? placed[1] ?? textWeight;
  const sensible = [...placed, ...named.values(), weight].every((number) => !Number.isNaN(number));
  return sensible ? { ...said, weight, textWeight } : said;
}

function namedPart(part) {
  const at = part.indexOf("=");
  return [part.slice(0, at).trim().toLowerCase(), numberOf(part.slice(at + 1))];
}

function numberOf(text) {
  const number = NUMBER.test(text) ? Number(text) : NaN;
  return Math.abs(number) <= WEIGHT_LIMIT ? number : NaN;
}

/** What stands between colons that have no backslash before them. */
function parts(text) {
  const found = [""];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\" && /[<>:\\]/.test(text[at + 1] ?? "")) {
      found[found.length - 1] += text.slice(at, at + 2);
      at++;
    } else if (text[at] === ":") found.push("");
    else found[found.length - 1] += text[at];
  }
  return found;
}
