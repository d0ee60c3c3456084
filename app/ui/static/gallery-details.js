import { bdi, h, terms } from "./dom.js";
import { language, t } from "./language.js";
import { bytes, facts } from "./words.js";

/** All that a picture says of itself, as elements; `known` is the API's answer. */
export function details({ info, recipe, facts: made, bytes: size }) {
  const prompt = (label, text) =>
    text && [h("h2", {}, label), h("p", { class: "prompt", tabindex: 0 }, bdi(text))];
  return [
    h("p", { class: "made" }, time(info.created_at)),
    ...(recipe
      ? [
          ...(prompt(t("field.prompt.label"), recipe.prompt) || []),
          ...(prompt(t("field.negative_prompt.label"), recipe.negative_prompt) || []),
          terms(facts(recipe)),
        ]
      : [h("p", { class: "aside" }, t("gallery.no_recipe"))]),
    h("h2", {}, t("gallery.making")),
    terms([...(made ? machine(made) : []), ...file(info, recipe, size)]),
  ];
}

/** A day as a person says it: "Today", "Yesterday", "Friday, 20 November 2026". */
export function dayName(day) {
  const then = new Date(`${day}T12:00`);
  const ago = Math.round((new Date().setHours(12, 0, 0, 0) - then) / 86_400_000);
  if (ago === 0 || ago === 1) return t(ago ? "gallery.yesterday" : "gallery.today");
  return then.toLocaleDateString(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

function machine({ device, dtype, versions }) {
  const packages = Object.entries(versions).map((pair) => pair.join(" "));
  return [
    [t("gallery.device"), `${device} · ${dtype}`],
    [t("gallery.versions"), packages.join(", ")],
  ];
}

function file({ width, height }, recipe, size) {
  const sides = recipe ? [] : [[t("field.size.label"), `${width} × ${height}`]];
  return [...sides, [t("gallery.file"), bytes(size)]];
}

function time(created) {
  return new Date(created).toLocaleString(language, { dateStyle: "full", timeStyle: "short" });
}
