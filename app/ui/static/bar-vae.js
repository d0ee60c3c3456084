// The list of VAEs: Automatic, the checkpoint's own, the files that go with it, and those that do not
// with the reason. A list to choose from as the ARIA practices describe it: the focus stays on the
// button, the arrow keys lead through the options.

import { ask } from "./api.js";
import { bdi, h } from "./dom.js";
import { feed } from "./feed.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { anchor } from "./popup.js";
import { found, values } from "./workspace.js";

const LIST = "vae-list";
const AUTOMATIC = "Automatic"; // as a draft has it in every language
const OWN = "None";
const NOTHING = { automatic: null, vaes: [] };

/** `props.value` is the draft's `vae`: a name, "Automatic" or "None". */
export function vae(element, props, watch) {
  const picker = new Picker((value) => {
    props.value = value; // of which only others are told
    picker.show(value);
    element.dispatchEvent(new Event("input", { bubbles: true })); // what was wrong is settled
  });
  element.replaceChildren(picker.element, picker.list);
  const show = () => picker.show(props.value || AUTOMATIC);
  show();
  watch("value", show);
}

class Picker {
  #choose;
  #value = AUTOMATIC;
  #known = NOTHING;
  #turn = 0;
  #active = -1;
  #typed = { text: "", at: 0 };
  #said = h("span", { class: "said" });
  #why = h("small", { id: "vae-why", class: "why", lang: "en" });
  #button = h(
    "button",
    {
      type: "button",
      role: "combobox",
      "aria-labelledby": "vae-label",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-controls": LIST,
      onclick: () => this.list.togglePopover(),
      onkeydown: (event) => this.#key(event),
      onblur: () => this.list.hidePopover(),
    },
    this.#said,
    icon("caret"),
  );
  element = h(
    "div",
    { class: "pick" },
    h("span", { id: "vae-label", class: "label", title: t("field.vae.help") }, t("field.vae.label")),
    this.#button,
    this.#why,
  );
  list = h("div", {
    id: LIST,
    class: "popup",
    role: "listbox",
    popover: "manual",
    "aria-labelledby": "vae-label",
    onmousedown: (event) => event.preventDefault(), // the focus stays on the button
    onclick: ({ target }) => this.#take(target.closest("[role=option]")),
  });

  constructor(choose) {
    this.#choose = choose;
    anchor(this.list, this.#button);
    // "toggle" comes late: a key typed meanwhile would be undone by it.
    this.list.addEventListener("beforetoggle", ({ newState }) => this.#toggled(newState === "open"));
    this.list.addEventListener("toggle", () => this.#activate(this.#active)); // scrolls to it
    feed.watch("models", () => this.#ask());
    found.then(() => this.#ask());
    document.addEventListener("gesso:field", ({ detail: { form, name } }) => {
      if (form === "shared" && name === "checkpoint") this.#ask();
    });
  }

  show(value) {
    this.#value = value;
    this.#render();
  }

  async #ask() {
    const turn = ++this.#turn;
    const { checkpoint } = values().shared ?? {};
    const query = checkpoint ? `?${new URLSearchParams({ checkpoint })}` : "";
    const known = await ask(`/choices/vaes${query}`).catch(() => null);
    if (!known || turn !== this.#turn) return;
    this.#known = known;
    this.#render();
  }

  #render() {
    const { automatic, vaes } = this.#known;
    const chosen = vaes.find(({ name }) => name === this.#value);
    const labels = { [AUTOMATIC]: t("choice.automatic"), [OWN]: t("bar.vae.own") };
    const label = labels[this.#value];
    const more = this.#value === AUTOMATIC && automatic;
    this.#said.replaceChildren(label ?? bdi(this.#value), more ? h("small", {}, bdi(automatic)) : "");
    this.#misfit(chosen?.why_not ?? "");
    const fits = vaes.filter(({ why_not: why }) => !why);
    const others = vaes.filter(({ why_not: why }) => why);
    const own = automatic ?? t("bar.vae.own");
    this.list.replaceChildren(
      this.#option(AUTOMATIC, labels[AUTOMATIC], own),
      this.#option(OWN, labels[OWN]),
      ...fits.map(({ name }) => this.#option(name, bdi(name))),
      others.length
        ? h(
            "div",
            { role: "group", "aria-labelledby": "vae-others" },
            h("span", { id: "vae-others", class: "heading" }, t("bar.vae.others")),
            ...others.map(({ name, why_not: why }) => this.#option(name, bdi(name), why, true)),
          )
        : "",
    );
    this.#options.forEach((option, place) => (option.id = `vae-option-${place}`));
    this.#activate(this.#active);
  }

  /** Why the one that is chosen does not go with the checkpoint; nothing where it does. */
  #misfit(why) {
    this.#why.textContent = why;
    this.#why.title = why;
    this.element.classList.toggle("misfit", Boolean(why));
    if (why) this.#button.setAttribute("aria-describedby", this.#why.id);
    else this.#button.removeAttribute("aria-describedby");
  }

  #option(value, label, more = "", disabled = false) {
    const why = more && h("small", { lang: disabled ? "en" : null }, bdi(more));
    const looks = {
      role: "option",
      "data-value": value,
      "aria-selected": String(value === this.#value),
      "aria-disabled": disabled ? "true" : null,
    };
    return h("div", looks, h("span", {}, label), why);
  }

  get #options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  get #isOpen() {
    return this.list.matches(":popover-open");
  }

  #toggled(open) {
    this.#button.setAttribute("aria-expanded", String(open));
    const chosen = this.#options.findIndex(({ dataset }) => dataset.value === this.#value);
    this.#activate(open ? Math.max(0, chosen) : -1);
    if (open) this.#ask();
  }

  #activate(place) {
    this.#active = place;
    const options = this.#options;
    options.forEach((option, at) => option.classList.toggle("active", at === place));
    const active = options[place];
    active?.scrollIntoView({ block: "nearest" });
    if (active) this.#button.setAttribute("aria-activedescendant", active.id);
    else this.#button.removeAttribute("aria-activedescendant");
  }

  #take(option) {
    if (!option || option.ariaDisabled === "true") return;
    this.list.hidePopover();
    if (option.dataset.value !== this.#value) this.#choose(option.dataset.value);
  }

  #key(event) {
    const { key, altKey, ctrlKey, metaKey } = event;
    if (ctrlKey || metaKey) return;
    const options = this.#options;
    const open = this.#isOpen;
    const last = options.length - 1;
    const leads = { ArrowDown: this.#active + 1, ArrowUp: this.#active - 1, Home: 0, End: last };
    if (key === "Escape" && open) this.list.hidePopover();
    else if (["Enter", " "].includes(key) && open) this.#take(options[this.#active]);
    else if (key in leads && !open) this.list.showPopover();
    else if (key === "ArrowUp" && altKey) this.#take(options[this.#active]);
    else if (key in leads) this.#activate(Math.min(last, Math.max(0, leads[key])));
    else if (key.length === 1 && key !== " ") this.#find(key, event.timeStamp);
    else return;
    event.preventDefault();
  }

  /** Letters typed in a row lead to the option that begins with them. */
  #find(letter, now) {
    if (!this.#isOpen) this.list.showPopover();
    const text = now - this.#typed.at < 700 ? this.#typed.text + letter : letter;
    this.#typed = { text, at: now };
    const label = (option) => option.firstChild.textContent.toLowerCase();
    const found = this.#options.findIndex((option) => label(option).startsWith(text.toLowerCase()));
    if (found >= 0) this.#activate(found);
  }
}
