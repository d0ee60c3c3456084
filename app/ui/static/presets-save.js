import { dialog } from "./dialog.js";
import { bdi, h } from "./dom.js";
import { t } from "./language.js";
import { workingTab } from "./tabs.js";
import { values } from "./workspace.js";

const NAME_LIMIT = 80;
const SHARED = "shared";
const UNASKED = ["prompt", "negative_prompt", "seed"]; // what presets are seldom about
const AUTOMATIC = "Automatic"; // as every language keeps it
const ADVANCED = ["prediction_type", "size_conditioning"];

/** Ask for a name and for what to keep. `save({ name, fields, replace })` gives the error, or null
 *  when it is done; `closed()` is called at the end. */
export function saveDialog(save, closed) {
  const name = h("input", { type: "text", maxlength: NAME_LIMIT, required: true, autofocus: true });
  const parts = fields().map(part);
  const told = h("p", { class: "told", role: "alert" });
  const button = h("button", { class: "primary", type: "submit" }, t("presets.save"));
  const form = h(
    "form",
    {},
    h("label", { class: "name" }, h("span", {}, t("presets.name")), name),
    h(
      "fieldset",
      {},
      h("legend", {}, t("presets.holds")),
      ...parts.map(({ element }) => element),
    ),
    told,
    button,
  );
  const whole = dialog("presets-save", t("presets.save_as"), form);
  let replace = false;
  const renew = (taken) => {
    replace = taken;
    button.textContent = t(taken ? "presets.replace" : "presets.save");
  };
  const tell = (error) => {
    const taken = error.kind === "NameTaken";
    renew(taken);
    const english = error.kind && !taken;
    if (english) told.lang = "en";
    else told.removeAttribute("lang");
    const said = taken ? t("presets.exists", { name: name.value.trim() }) : sentence(error);
    told.replaceChildren(bdi(said));
  };
  name.addEventListener("input", () => {
    told.replaceChildren();
    renew(false);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = parts.filter(({ box }) => box.checked).flatMap(({ names }) => names);
    button.disabled = true;
    const error = await save({ name: name.value, fields: chosen, replace });
    button.disabled = false;
    if (error) tell(error);
    else whole.close();
  });
  whole.addEventListener("close", closed);
  whole.showModal();
}

function sentence({ message, cure }) {
  return `${message} ${cure}`;
}

/** `[names, value]` of what the form holds; what belongs together goes together. */
function fields() {
  const { [SHARED]: shared, [workingTab()]: own } = values();
  const all = Object.entries({ ...shared, ...own });
  const plain = all.filter(([name]) => !ADVANCED.includes(name.split(".")[0]));
  return [...plain.map(([name, value]) => [[name], value]), [ADVANCED, ""]];
}

function part([names, value]) {
  const box = h("input", { type: "checkbox", checked: !UNASKED.includes(names[0]) });
  const title = names === ADVANCED ? t("form.advanced") : t(`field.${names[0]}.label`);
  const element = h(
    "label",
    {},
    box,
    h("span", {}, title),
    h("small", {}, bdi(value === AUTOMATIC ? t("choice.automatic") : String(value ?? ""))),
  );
  return { box, names, element };
}
