// What the widgets hold, and what of it the server does not have yet. No document is needed here.

const SOON = 300; // ms from a change to its sending
const AGAIN = 2000; // ms until what did not arrive is sent again

export class Keeper {
  #held; // { form: { name: value } }
  #unsent = new Map(); // by form, the body of its next request: { values, picture }
  #sending = null; // [form, body] that is on its way
  #timer = null;
  #version = 0;
  #send;
  #fill;

  /** `held` by form and name. `send(form, body, leaving)` answers `{ version }`,
   *  `{ status, error }`, or `{}` where nothing answers. `fill(values, kept)` puts values into the
   *  widgets, but for those of which `kept(form, name)` is true by then. */
  constructor(held, { send, fill }) {
    this.#held = held;
    this.#send = send;
    this.#fill = fill;
  }

  /** A widget holds this value now. */
  changed(form, name, value) {
    if (same(this.#held[form][name], value)) return;
    this.#held[form][name] = value;
    this.#note(form, { values: { [name]: value } });
  }

  /** Another picture is open in a tab; null: always the newest. */
  opened(tab, picture) {
    this.#note(tab, { picture, values: {} });
  }

  /** What the widgets hold. */
  values() {
    return structuredClone(this.#held);
  }

  /** Those of the values given that the widgets do not hold. */
  different(values) {
    const others = {};
    for (const [form, own] of Object.entries(values)) {
      for (const [name, value] of Object.entries(own)) {
        if (!(name in (this.#held[form] ?? {})) || same(this.#held[form][name], value)) continue;
        (others[form] ??= {})[name] = value;
      }
    }
    return others;
  }

  /** Show what the server keeps, but where the artist has changed it and it does not know yet. */
  takeOver({ version, tabs }) {
    if (version < this.#version) return; // asked before what is known by now
    this.#version = version;
    const unsent = (form, name) => this.#isUnsent(form, name);
    const kept = Object.entries(tabs).map(([form, { values }]) => [form, values]);
    const fresh = this.different(Object.fromEntries(kept));
    for (const [form, values] of Object.entries(fresh)) {
      for (const name of Object.keys(values)) {
        if (unsent(form, name)) delete values[name];
        else this.#held[form][name] = values[name];
      }
    }
    if (Object.values(fresh).some((values) => Object.keys(values).length)) this.#fill(fresh, unsent);
  }

  /** Send what has not arrived, one request after the other. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sending) return;
    for (const form of [...this.#unsent.keys()]) {
      const body = this.#unsent.get(form); // with what was added while the one before was sent
      this.#unsent.delete(form);
      this.#sending = [form, body];
      const answer = await this.#send(form, body, false);
      this.#sending = null;
      if (answer.version != null) this.#version = answer.version;
      else if (!this.#settled(form, body, answer)) return this.#later(AGAIN);
    }
    if (this.#unsent.size) this.#later(SOON);
  }

  /** The page may be gone in a moment: send everything at once. */
  leave() {
    if (this.#sending) this.#putBack(...this.#sending);
    for (const [form, body] of this.#unsent) this.#send(form, body, true);
  }

  #note(form, change) {
    this.#unsent.set(form, merged(this.#unsent.get(form), change));
    this.#later(SOON);
  }

  #putBack(form, change) {
    this.#unsent.set(form, merged(change, this.#unsent.get(form)));
  }

  /** Whether nothing is to be tried again: what the server cannot keep it never will. */
  #settled(form, body, { status, error }) {
    if (status === 422 && error?.field in body.values) {
      const { [error.field]: _, ...values } = body.values;
      this.#putBack(form, { ...body, values });
      return true;
    }
    if (status >= 400 && status < 500 && status !== 429) return true;
    this.#putBack(form, body);
    return false;
  }

  #later(milliseconds) {
    this.#timer ??= setTimeout(() => this.flush(), milliseconds);
  }

  #isUnsent(form, name) {
    const bodies = [this.#unsent.get(form), this.#sending?.[0] === form && this.#sending[1]];
    return bodies.some((body) => body && name in body.values);
  }
}

function merged(older, newer) {
  return { ...older, ...newer, values: { ...older?.values, ...newer?.values } };
}

/** Nothing and an empty text are the same to a widget. */
function same(one, other) {
  return (one ?? "") === (other ?? "");
}
