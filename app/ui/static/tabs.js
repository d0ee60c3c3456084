// The chosen tab: it stands in the address, so that it can be linked to, kept and gone back from.

let known = { names: [], views: [], fields: {}, prefixes: {} };
let choose = () => {};
let working = null; // the working tab chosen last: the one whose form is meant
let wanted = null; // asked for, but not yet chosen

/** `props`: `names` of the tabs, those that are `views`, and each form's `fields` and
 *  `prefixes`. `raise()` has `wanting` asked for the tab to choose. */
export function tabs(props, raise) {
  known = props;
  choose = (name) => {
    wanted = name;
    raise();
  };
  working ??= known.names[0];
  document.body.dataset.tab ??= working;
  addEventListener("hashchange", follow);
  follow();
}

/** What Gradio is told of its row of tabs. */
export function wanting() {
  return { __type__: "update", selected: wanted };
}

/** A tab says that it is the chosen one; every part of the page hears `gesso:tab`. Gives its name,
 *  or undefined if that is not so: the first tab says it, too, while another one is on its way. */
export function chosen(name) {
  const late = !document.getElementById(`tab-${name}`)?.checkVisibility();
  if (late || (wanted !== null && name !== wanted)) return undefined;
  wanted = null;
  const view = known.views.includes(name);
  if (!view) working = name;
  document.body.dataset.tab = name;
  document.body.classList.toggle("viewing", view);
  const ready = known.names.length > 0; // else the first tab was quicker than `tabs`
  if (ready && address() !== name) history.pushState(null, "", `#${name}`);
  document.dispatchEvent(new CustomEvent("gesso:tab", { detail: name }));
  return name;
}

/** Choose a tab by name, and say whether that is a change; a name that there is not is none. */
export function go(name) {
  const change = known.names.includes(name) && name !== document.body.dataset.tab;
  if (change) choose(name);
  return change;
}

/** Leave a view for the working tab that was chosen last; says whether one was left. */
export function goToForm() {
  return go(working);
}

/** The name of the working tab whose form is meant. */
export function workingTab() {
  return working;
}

/** The id of a field's element, or of another that a working tab has. */
export function idOf(name, tab = working) {
  const prefix = known.fields[tab]?.includes(name) ? known.prefixes[tab] : "";
  return prefix + name.replaceAll(".", "-");
}

/** An element's id, without what the chosen working tab puts before it. */
export function plainId(id) {
  const prefix = known.prefixes[working] ?? "";
  return id.startsWith(prefix) ? id.slice(prefix.length) : id;
}

/** Whether the address names a tab. */
export function addressed() {
  return location.hash.length > 1;
}

/** The tab that the address names; without one it is the first. */
function address() {
  return location.hash.slice(1) || known.names[0];
}

function follow() {
  go(address());
}
