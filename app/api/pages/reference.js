// The book of the API: one chapter per group of routes, read from the server's own description.

import { h } from "/gesso/dom.js";
import { example, fields, typeName } from "/api/schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

const answer = await fetch("/api/v1/openapi.json");
const api = await answer.json();
const routes = Object.entries(api.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({ method, path, ...item[method] })),
);
const chapters = [...new Set(routes.map(group))].map((name) => ({
  name,
  about: api.tags?.find((tag) => tag.name === name)?.description,
  routes: routes.filter((route) => group(route) === name),
}));

document.getElementById("book").append(...chapters.map(chapter));
document.getElementById("contents").append(...chapters.map(contents));
document.getElementById("find").addEventListener("input", find);
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();

function group(route) {
  return route.tags?.[0] ?? "other";
}

function anchor({ method, path }) {
  return `${method}-${path.replaceAll(/[^a-z0-9]+/gi, "-")}`;
}

function contents({ name, routes: own }) {
  const links = own.map((route) =>
    h(
      "li",
      { "data-route": anchor(route) },
      h("a", { href: `#${anchor(route)}` }, badge(route.method), h("span", {}, ...marked(route.summary))),
    ),
  );
  return h("section", {}, h("h2", {}, name), h("ul", {}, ...links));
}

function chapter({ name, about, routes: own }) {
  const title = h("h2", {}, name);
  return h("section", {}, title, about && h("p", {}, ...marked(about)), ...own.map(operation));
}

function operation(route) {
  const body = route.requestBody;
  return h(
    "article",
    { id: anchor(route), class: "card", "data-route": anchor(route) },
    h("h3", {}, badge(route.method), h("code", {}, route.path)),
    h("p", { class: "summary" }, ...marked(route.summary)),
    route.description && h("p", {}, ...marked(route.description)),
    part("Parameters", table(parameters(route))),
    body && part("Body", ...contentOf(body.content)),
    part("Example", h("pre", { tabindex: 0 }, h("code", {}, curl(route)))),
    part("Answers", ...answers(route)),
  );
}

function badge(method) {
  return h("span", { class: `method ${method}` }, method.toUpperCase());
}

/** Text in which `names` stand between backticks. */
function marked(text) {
  return text.split("`").map((part, place) => (place % 2 ? h("code", {}, part) : part));
}

function part(title, ...inside) {
  const there = inside.filter(Boolean);
  return there.length > 0 && h("section", {}, h("h4", {}, title), ...there);
}

function parameters(route) {
  return (route.parameters ?? []).map(({ name, in: where, required, schema, description }) => ({
    name,
    required,
    type: `${typeName(api, schema)}, in the ${where}`,
    standard: schema?.default,
    description: description ?? schema?.description,
  }));
}

function contentOf(content = {}) {
  return Object.entries(content).flatMap(([kind, { schema }]) => [
    h("p", {}, h("code", {}, kind), " ", typeName(api, schema)),
    table(fields(api, schema)),
  ]);
}

function table(rows) {
  if (rows.length === 0) return null;
  const lines = rows.map(({ name, required, type, standard, description }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("code", {}, name), required && h("em", {}, "required")),
      h("td", {}, type, standard != null && h("small", {}, `else ${JSON.stringify(standard)}`)),
      h("td", {}, description ?? ""),
    ),
  );
  return h("div", { class: "scroll", tabindex: 0 }, h("table", {}, h("tbody", {}, ...lines)));
}

function curl({ method, path, requestBody, security }) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`);
  const lines = [`curl "${location.origin}${filled}"`];
  if (method !== "get") lines[0] += ` -X ${method.toUpperCase()}`;
  if (security) lines.push('-H "Authorization: Bearer $GESSO_TOKEN"');
  const [kind, { schema } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (kind === "application/json") {
    lines.push('-H "Content-Type: application/json"');
    lines.push(`-d '${JSON.stringify(example(api, schema))}'`);
  } else if (kind) lines.push(`-H "Content-Type: ${kind}"`, "--data-binary @picture.png");
  return lines.join(" \\\n  ");
}

function answers({ responses }) {
  return Object.entries(responses).map(([status, { description, content }]) => {
    const said = h("summary", {}, h("code", {}, status), " ", description);
    const inside = contentOf(content).filter(Boolean);
    return inside.length ? h("details", {}, said, ...inside) : h("p", {}, ...said.childNodes);
  });
}

function find({ target }) {
  const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const route of routes) {
    const text = `${route.method} ${route.path} ${route.summary} ${route.description ?? ""}`;
    const fits = words.every((word) => text.toLowerCase().includes(word));
    for (const element of document.querySelectorAll(`[data-route="${anchor(route)}"]`)) {
      element.hidden = !fits;
    }
  }
}
