// Elements are built here and only with text nodes: names, prompts and metadata are hostile text.

/** An element: `h("button", { class: "quiet", onclick: f }, "Text", child)`. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

function set(element, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Text that came from outside, kept from reordering its surroundings. */
export function bdi(text) {
  return h("bdi", {}, String(text));
}

/** Make these the children, in order, without touching one that stays: it may hold the focus. */
export function arrange(parent, elements) {
  for (const child of [...parent.children]) if (!elements.includes(child)) child.remove();
  elements.forEach((element, place) => {
    const there = parent.children[place];
    if (there !== element) parent.insertBefore(element, there ?? null);
  });
}

/** A list of terms and what they are, `pairs` of texts from anywhere. */
export function terms(pairs) {
  const line = ([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, bdi(value)));
  return h("dl", {}, ...pairs.map(line));
}
