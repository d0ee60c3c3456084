// What can be asked of the queue. What came of it is told by the events; a wish that came too late,
// for a job that has just begun or ended, is refused by the server and shown by the next event.

import { ask, bringing } from "./api.js";

export const stop = (job) => send("DELETE", path(job));
export const finish = (job) => send("POST", path(job, "/finish"));
export const skip = (job) => send("POST", path(job, "/skip"));
export const retry = (job) => send("POST", path(job, "/retry"));
export const move = (job, before) => send("POST", path(job, "/move"), { before });
export const pause = (paused) => send("POST", `/queue/${paused ? "pause" : "resume"}`);
export const clear = (what) => send("POST", "/queue/clear", { what });

const path = (job, wish = "") => `/jobs/${encodeURIComponent(job)}${wish}`;

async function send(method, address, body) {
  await ask(address, body ? bringing(method, body) : { method }).catch(() => {});
}
