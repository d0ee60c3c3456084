// Where models come from: the folders in use, and those of other studios on this machine.

import { ask, bringing } from "./api.js";
import { dialog } from "./dialog.js";
import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { n, t } from "./language.js";

const ROOT = "/folders";
const POLL_MS = 700;

const PROGRAMS = {
  a1111: "AUTOMATIC1111",
  comfyui: "ComfyUI",
  fooocus: "Fooocus",
  forge: "Forge",
  gesso: "Gesso",
  invokeai: "InvokeAI",
};

/** Three ways to models, kept up to date while it is on the page. */
export class Folders {
  #listing = null;
  #told = h("p", { class: "told", role: "status", tabindex: "-1" });
  #ways = h("div", { class: "ways" });
  #again = 0;
  #asked = 0; // grows with every request
  #gone = new AbortController();

  /** `changed(listing)` is called with each answer of the server: see `GET /folders`. */
  constructor(changed = () => {}) {
    this.changed = changed;
    this.element = h("div", { class: "folders" }, this.#ways, this.#told);
    feed.watch("models", () => this.#ask(""), { signal: this.#gone.signal });
    this.#ask("");
  }

  /** Follow the studio no longer. */
  close() {
    this.#gone.abort();
  }

  /** Ask the server, for the list or a change of it, and show the answer. */
  async #ask(path, options = {}, done = "") {
    clearTimeout(this.#again);
    const asked = ++this.#asked;
    try {
      const answer = await ask(ROOT + path, options);
      // What was asked for before a change began would show what was there before it.
      if (path || asked === this.#asked) this.#show(answer);
      if (done && answer.chosen !== false) this.#say(done);
    } catch (error) {
      if (path || error.status) this.#tell(error);
    }
  }

  #show(listing) {
    const { folders, searching } = listing;
    const moving = searching || folders.some(({ scanning }) => scanning);
    if (moving && this.element.isConnected) {
      this.#again = setTimeout(() => this.#ask(""), POLL_MS);
    }
    if (JSON.stringify(listing) === JSON.stringify(this.#listing)) return;
    this.#listing = listing;
    const focused = this.#ways.contains(document.activeElement);
    this.#ways.replaceChildren(starter(), this.#own(listing), this.#others(listing));
    if (focused) this.#told.focus({ preventScroll: true }); // what was pressed is built anew
    this.changed(listing);
  }

  #own({ drop, folders }) {
    const path = h("code", { tabindex: "0" }, bdi(drop));
    const copy = async () => {
      getSelection().selectAllChildren(path);
      await navigator.clipboard?.writeText(drop).catch(() => {});
      this.#say(t("folders.copied"));
    };
    return way(
      "own",
      t("folders.own"),
      h("p", {}, t("folders.own.help")),
      h("p", { class: "path" }, path, button(t("folders.copy"), copy)),
      folders.length > 1 && h("ul", {}, ...folders.map((folder) => this.#used(folder))),
      ...folders.map(unusable),
      button(t("folders.choose"), () => this.#choose()),
    );
  }

  #used(folder) {
    const remove = () =>
      this.#ask(`/${encodeURIComponent(folder.id)}`, { method: "DELETE" }, t("folders.removed"));
    const away = folder.reachable === false && h("em", {}, t("folders.away"));
    const label = t("folders.remove.label", { path: folder.path });
    return h(
      "li",
      {},
      described(folder, away),
      button(t("folders.remove"), remove, { "aria-label": label }),
    );
  }

  #others({ candidates, searching }) {
    const adopt = (id) => this.#ask("/adopt", bringing("POST", { id }), t("folders.adopted"));
    const entry = (found) =>
      h(
        "li",
        {},
        described(found),
        button(t("folders.adopt"), () => adopt(found.id), {
          class: "chip adopt",
          "aria-label": t("folders.adopt.label", { path: found.path }),
        }),
      );
    const none = t(searching ? "folders.searching" : "folders.none");
    return way(
      "others",
      t("folders.others"),
      h("p", {}, candidates.length ? t("folders.others.help") : none),
      h("ul", {}, ...candidates.map(entry)),
    );
  }

  #choose() {
    this.#say(t("folders.choosing"));
    return this.#ask("/choose", bringing("POST", {}), t("folders.adopted")).then(() => {
      if (this.#told.textContent === t("folders.choosing")) this.#say("");
    });
  }

  #tell({ message, cure }) {
    this.#say(`${message} ${cure}`);
  }

  #say(text) {
    this.#told.textContent = text;
  }
}

/** The folders in a dialog of their own. */
export function showFolders() {
  const folders = new Folders();
  const shown = dialog("folders-dialog", t("folders.title"), folders.element);
  shown.addEventListener("close", () => folders.close());
  shown.showModal();
}

function starter() {
  return way("starter", t("folders.starter"), h("p", {}, t("folders.starter.help")));
}

function way(name, title, ...content) {
  return h("section", { class: `way ${name}` }, h("h3", {}, title), ...content);
}

function described({ program, path, counts }, more = null) {
  const name = PROGRAMS[program];
  return h(
    "span",
    {},
    name && h("b", {}, name),
    h("bdi", { class: "where", title: path }, path),
    h("small", {}, counted(counts), more && " · ", more),
  );
}

/** The files of a folder that cannot be used, and why; null where all can. */
function unusable({ broken, problems }) {
  if (!broken) return null;
  const told = ({ message, cure }) =>
    h("li", { lang: "en" }, h("b", {}, bdi(message)), h("span", {}, bdi(cure)));
  return h(
    "details",
    {},
    h("summary", {}, n("folders.broken", broken)),
    h("ul", { tabindex: 0 }, ...problems.map(told)),
    broken > problems.length && h("p", {}, n("folders.broken.more", broken - problems.length)),
  );
}

/** "3 checkpoints, 210 LoRAs, 4 other files". */
function counted(counts) {
  const { checkpoint = 0, lora = 0, ...rest } = counts;
  const other = Object.values(rest).reduce((sum, count) => sum + count, 0);
  const parts = [
    checkpoint && n("folders.checkpoints", checkpoint),
    lora && n("folders.loras", lora),
    other && n("folders.files", other),
  ];
  return parts.filter(Boolean).join(", ") || t("folders.empty");
}

function button(label, press, attributes = {}) {
  return h("button", { class: "chip", type: "button", onclick: press, ...attributes }, label);
}
