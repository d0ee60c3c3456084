// What the page says about jobs and recipes. Pure functions.

import { n, number, t } from "./language.js";

const PHASES = ["loading", "encoding", "denoising", "decoding"];

/** What a job is doing: `{ title, detail }`, detail with step and time left where known. */
export function progress(job) {
  if (job.state === "queued") {
    const ahead = job.position - 1;
    return { title: t("progress.waiting"), detail: ahead > 0 ? n("progress.ahead", ahead) : "" };
  }
  if (job.stopping === "picture") {
    // The time left is that of the whole job.
    const detail = details({ ...job, eta_seconds: null }).join(" · ");
    return { title: t("progress.finishing"), detail };
  }
  if (job.stopping) return { title: t("progress.stopping"), detail: "" };
  const phase = PHASES.includes(job.phase) ? job.phase : "starting";
  return { title: t(`progress.${phase}`), detail: details(job).join(" · ") };
}

function details({ count, pictures, phase, step, steps, loading, eta_seconds: left }) {
  const parts = [];
  const place = Math.min(pictures.length + 1, count);
  if (count > 1) parts.push(t("progress.picture", { number: place, total: count }));
  if (phase === "denoising" && steps) parts.push(t("progress.step", { number: step, total: steps }));
  if (loading?.total) {
    const { done, total } = loading;
    parts.push(t("progress.bytes", { done: bytes(done), total: bytes(total) }));
  }
  if (left != null) parts.push(t("progress.left", { time: duration(left) }));
  return parts;
}

/** The state of the engine: `{ state, text, facts, more }`; `facts` is what it runs on, `more` what
 *  stands behind an error. */
export function engine({ state, device, dtype, error }) {
  if (error) {
    const more = `${error.message} ${error.cure}`;
    return { state: "stopped", text: t("engine.stopped"), more };
  }
  if (state === "ready") {
    const facts = [device, dtype].filter(Boolean).map((fact) => ` · ${fact}`);
    return { state, text: t("engine.ready"), facts: facts.join("") };
  }
  return { state, text: t(state === "starting" ? "engine.starting" : "engine.rest") };
}

/** What made a picture, as `[term, value]` pairs. */
export function facts(recipe) {
  const term = (name) => t(`field.${name}.label`);
  return [
    [term("seed"), recipe.seed],
    [term("size"), `${recipe.size.width} × ${recipe.size.height}`],
    [term("steps"), recipe.steps],
    [term("guidance_scale"), number(recipe.guidance_scale)],
    [term("sampler"), recipe.sampler],
    [term("schedule"), recipe.schedule],
    [term("checkpoint"), recipe.checkpoint.name],
    ...(recipe.clip_skip > 1 ? [[term("clip_skip"), recipe.clip_skip]] : []),
    ...beside(recipe),
  ];
}

/** The files beside the checkpoint that made a picture. */
function beside({ vae, loras = [], embeddings = [], hypernetworks = [] }) {
  const networks = hypernetworks.map((use) => `${use.model.name} ${number(use.weight)}`);
  const listed = {
    vae: vae ? [vae.name] : [],
    loras: loras.map(weighted),
    embeddings: embeddings.map((model) => model.name),
    hypernetworks: networks,
  };
  return Object.entries(listed)
    .filter(([, names]) => names.length)
    .map(([name, names]) => [t(`field.${name}.label`), names.join(", ")]);
}

function weighted({ model, unet_weight: unet, text_encoder_weight: text }) {
  const amount = unet === text ? number(unet) : `${number(text)} / ${number(unet)}`;
  return `${model.name} ${amount}`;
}

/** Seconds, as a person says them. */
export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return t("unit.seconds", { seconds: whole });
  if (whole < 3600) {
    return t("unit.minutes", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
  }
  const minutes = Math.round(whole / 60);
  return t("unit.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** Bytes in the unit a person would use. */
export function bytes(count) {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit++) count /= 1000;
  const digits = count < 10 && unit > 1 ? 1 : 0;
  const written = number(count, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${written} ${units[unit]}`;
}
