// Everything that is known of one model file, and what the artist says of it.

import { bdi, h, terms } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { language, number, t } from "./language.js";
import * as api from "./models-api.js";
import { made, preview, roleName, said, stem } from "./models-card.js";
import { choosePicture } from "./models-picture.js";
import { wordChip } from "./shelf-used.js";
import { fail } from "./toast.js";
import { bytes } from "./words.js";

const REST_MS = 800; // without a key, after which a note is kept

export class ModelDetails {
  #model = null;
  #act;
  #timer = 0;
  #unsaved = null; // the note that is to be kept, with its file
  element = h("aside", { class: "details", hidden: true, tabindex: -1 });

  /** `act`: `changed(row)`, `use(model)`, `closed()`. */
  constructor(act) {
    this.#act = act;
    addEventListener("pagehide", () => this.#save());
  }

  /** The file that is shown, or null. */
  get model() {
    return this.#model;
  }

  /** Show a file, a row of the list at first. */
  async open(row) {
    this.#save();
    this.#show(row);
    this.element.scrollTop = 0;
    await this.refresh();
  }

  /** Ask again about the file that is shown. */
  async refresh() {
    const asked = this.#model;
    if (!asked) return;
    const known = await api.details(asked).catch((error) => (error.status === 404 ? null : asked));
    if (asked !== this.#model) return;
    if (known) this.#show(known);
    else this.close();
  }

  close() {
    if (!this.#model) return;
    this.#save();
    this.#model = null;
    this.element.hidden = true;
    this.#act.closed();
  }

  #show(model) {
    const typing = this.element.contains(document.activeElement) && document.activeElement;
    const same = this.#model?.id === model.id && this.#model.role === model.role;
    this.#model = model;
    if (same && typing.tagName === "TEXTAREA") return; // what is being typed stays
    this.element.hidden = false;
    this.element.setAttribute("aria-label", model.title || stem(model));
    this.element.replaceChildren(...this.#parts(model).flat().filter(Boolean));
    if (same && typing) this.element.focus({ preventScroll: true });
  }

  #parts(model) {
    const close = iconButton("close", t("dialog.close"), () => this.close());
    return [
      h("header", {}, h("h2", {}, bdi(model.title || stem(model))), close),
      this.#problem(model),
      h("div", { class: "picture" }, preview(model), this.#pictures(model)),
      this.#use(model),
      terms(this.#facts(model)),
      this.#hash(model),
      words(model),
      this.#notes(model),
      ...told(model),
    ];
  }

  #problem(model) {
    const { problem, convertible, converted, used } = model;
    if (problem) {
      return box(said(problem.message, { class: "what" }), said(problem.cure));
    }
    if (convertible) {
      const convert = chip(t("models.convert"), () => this.#convert(model));
      return box(
        h("span", { class: "what" }, t("models.pickled")),
        t("models.pickled.cure"),
        convert,
      );
    }
    if (converted) return h("p", { class: "aside" }, t("models.converted.more"));
    if (!used) return h("p", { class: "aside" }, t("models.unused"));
    return model.note && h("p", { class: "aside" }, said(model.note));
  }

  #pictures(model) {
    const choose = () =>
      choosePicture((picture) => this.#change(api.choosePreview(model, picture)));
    const forget = () => this.#change(api.forgetPreview(model));
    return h(
      "div",
      { class: "actions" },
      chip(t("models.preview.choose"), choose),
      model.own_preview && chip(t("models.preview.remove"), forget),
    );
  }

  #use(model) {
    if (!model.used || model.problem || model.convertible || model.converted) return null;
    const key = ["checkpoint", "vae"].includes(model.role) ? "models.use" : "models.use.prompt";
    return h(
      "button",
      { class: "use", type: "button", onclick: () => this.#act.use(model) },
      t(key),
    );
  }

  #facts(model) {
    const { weight, network, base_model, resolution, clip_skip, author, license } = model;
    const changed = new Date(model.changed).toLocaleString(language, { dateStyle: "medium" });
    const pairs = [
      [t("models.file"), model.name],
      [t("models.kind"), roleName(model.role)],
      [t("models.made_for"), made(model)],
      [t("models.base"), base_model],
      [t("models.network"), network],
      [t("shelf.weight"), weight && number(weight)],
      [t("field.clip_skip.label"), clip_skip > 1 && clip_skip],
      [t("models.resolution"), resolution],
      [t("models.size"), bytes(model.size_bytes)],
      [t("models.dtype"), model.dtype],
      [t("models.changed"), changed],
      [t("models.author"), author],
      [t("models.license"), license],
      ["SHA-256", model.sha256],
    ];
    return pairs.filter(([, value]) => value);
  }

  #hash(model) {
    if (model.sha256 || model.problem) return null;
    const read = ({ currentTarget }) => {
      currentTarget.disabled = true;
      currentTarget.textContent = t("models.hashing");
      this.#change(api.readHash(model));
    };
    return h("button", { class: "chip", type: "button", onclick: read }, t("models.hash"));
  }

  #notes(model) {
    const status = h("span", { class: "kept", role: "status" });
    const typed = ({ target }) => {
      clearTimeout(this.#timer);
      status.textContent = "";
      this.#unsaved = { model, notes: target.value, status };
      this.#timer = setTimeout(() => this.#save(), REST_MS);
    };
    const box = h("textarea", {
      rows: 3,
      maxlength: 10_000,
      oninput: typed,
      onblur: () => this.#save(),
    });
    box.value = model.notes;
    const label = h("span", { class: "label" }, t("models.notes"), status);
    return h("label", { class: "notes" }, label, box);
  }

  /** Keep the note that was typed last. */
  async #save() {
    clearTimeout(this.#timer);
    const unsaved = this.#unsaved;
    if (!unsaved) return;
    this.#unsaved = null;
    try {
      this.#act.changed(await api.write(unsaved.model, unsaved.notes));
      if (this.#unsaved === null) unsaved.status.textContent = t("models.kept");
    } catch (error) {
      this.#unsaved ??= unsaved; // tried again with the next key
      fail(error);
    }
  }

  async #convert(model) {
    try {
      await api.convert(model);
      this.element
        .querySelector(".problem")
        ?.replaceChildren(icon("check"), h("div", {}, t("models.converting")));
    } catch (error) {
      fail(error);
    }
  }

  /** Show what came of a change. */
  async #change(promise) {
    try {
      const model = await promise;
      this.#act.changed(model);
      if (model.id === this.#model?.id) this.#show(model);
    } catch (error) {
      fail(error);
      this.refresh();
    }
  }
}

function words({ trigger_words: all }) {
  if (!all.length) return null;
  return h(
    "section",
    {},
    h("h3", {}, t("models.words")),
    h("div", { class: "words" }, ...all.map(wordChip)),
  );
}

/** What the file says of itself at length. */
function told({ description, negative_prompt: negative, tags = [] }) {
  const paragraph = (key, text) =>
    text && h("section", {}, h("h3", {}, t(key)), h("p", { class: "text" }, bdi(text)));
  const trained = tags.map(([tag, count]) => `${tag} (${number(count)})`).join(", ");
  return [
    paragraph("models.description", description),
    paragraph("field.negative_prompt.label", negative),
    paragraph("models.tags", trained),
  ];
}

function box(...content) {
  return h("div", { class: "problem" }, icon("warn"), h("div", {}, ...content));
}

function chip(label, press) {
  return h("button", { class: "chip", type: "button", onclick: press }, label);
}
