// One connection to the studio for all pages of this browser: it has six per host for all its tabs.
// Pages say "hello" and "goodbye"; they are told { type: "jobs" | "progress", data }, "open", "lost".

import { Connection } from "./connection.js";

const ports = new Set();
const last = new Map(); // the newest message of each type

const connection = new Connection((message) => {
  if (message.type === "open" || message.type === "lost") last.delete("open"), last.delete("lost");
  last.set(message.type, message);
  for (const port of ports) port.postMessage(message);
});

function greet(port) {
  ports.add(port);
  for (const message of last.values()) port.postMessage(message);
  connection.open();
}

function part(port) {
  ports.delete(port);
  if (ports.size > 0) return;
  connection.close();
  last.clear();
}

globalThis.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => (data === "hello" ? greet(port) : part(port));
};
