// What the page says about jobs and recipes. Pure functions.

const PHASES = {
  loading: "Loading the model",
  encoding: "Reading the prompt",
  denoising: "Painting",
  decoding: "Finishing",
};

/** What a job is doing: `{ title, detail }`, detail with step and time left where known. */
export function progress(job) {
  if (job.state === "queued") {
    return { title: "Waiting", detail: job.ahead ? `${plural(job.ahead, "job")} before it` : "" };
  }
  if (job.stopping) return { title: "Stopping", detail: "" };
  const parts = [];
  if (job.count > 1)
    parts.push(`picture ${Math.min(job.pictures.length + 1, job.count)} of ${job.count}`);
  if (job.phase === "denoising" && job.steps) parts.push(`step ${job.step} of ${job.steps}`);
  if (job.loading?.total) parts.push(`${bytes(job.loading.done)} of ${bytes(job.loading.total)}`);
  if (job.eta_seconds != null) parts.push(`about ${duration(job.eta_seconds)} left`);
  return { title: PHASES[job.phase] ?? "Starting", detail: parts.join(" · ") };
}

/** The state of the engine: `{ state, text, more }`, `more` being what stands behind an error. */
export function engine({ state, device, dtype, error }) {
  if (error)
    return { state: "stopped", text: "Engine stopped", more: `${error.message} ${error.cure}` };
  const ready = ["Ready", device, dtype].filter(Boolean).join(" · ");
  const text = { ready, starting: "Engine starting" }[state] ?? "Engine at rest";
  return { state, text, more: "" };
}

/** What made a picture, as `[term, value]` pairs. */
export function facts(recipe) {
  return [
    ["Seed", recipe.seed],
    ["Size", `${recipe.size.width} × ${recipe.size.height}`],
    ["Steps", recipe.steps],
    ["Guidance", recipe.guidance_scale],
    ["Sampler", recipe.sampler],
    ["Schedule", recipe.schedule],
    ["Checkpoint", recipe.checkpoint.name],
    ...(recipe.clip_skip > 1 ? [["Clip skip", recipe.clip_skip]] : []),
  ];
}

/** Seconds, as a person says them. */
export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** Bytes in the unit a person would use. */
export function bytes(count) {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit++) count /= 1000;
  return `${count < 10 && unit > 1 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
