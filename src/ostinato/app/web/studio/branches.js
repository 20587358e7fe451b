// A tree of texts: what was written, and what was written where another word was chosen. It stays while the tab is open.
import { html } from "./lit-html.js";
import { S } from "./strings.js";

const SHOWN = 48; // characters of a branch
const MOST = 200; // branches that are kept

export class Branches {
  constructor(model) {
    this.place = `ostinato-branches-${model}`;
    try {
      this.all = JSON.parse(sessionStorage.getItem(this.place)) ?? [];
    } catch {
      this.all = [];
    }
    this.now = this.all.at(-1)?.id ?? null;
  }

  get current() {
    return this.all.find(({ id }) => id === this.now) ?? null;
  }

  /** The text, what was written after it, and with which settings; a branch that began elsewhere becomes one of its own. */
  wrote(text, written, settings) {
    const { current } = this;
    if (current && (current.text === text || !this.all.some(({ parent }) => parent === current.id))) {
      Object.assign(current, { text, written, settings });
    } else this.add(current && text.startsWith(current.text) ? current.id : null, text, written, settings);
    this.save();
  }

  /** Go on elsewhere: a new branch of the present one. */
  branch(text, settings) {
    this.add(this.now, text, "", settings);
    this.save();
  }

  add(parent, text, written, settings) {
    this.now = (this.all.at(-1)?.id ?? 0) + 1;
    this.all.push({ id: this.now, parent, text, written, settings });
    if (this.all.length > MOST) this.all.splice(0, this.all.length - MOST);
  }

  forget() {
    this.all = [];
    this.now = null;
    this.save();
  }

  save() {
    try {
      sessionStorage.setItem(this.place, JSON.stringify(this.all));
    } catch {
      // Private windows have no place to keep it; the tree is there until the page is left.
    }
  }

  /** The tree. @param go Called with a branch that is chosen. */
  drawn(go) {
    if (this.all.length < 2) return "";
    const known = new Set(this.all.map(({ id }) => id));
    const under = (parent) => {
      const own = this.all.filter((one) => (parent === null ? !known.has(one.parent) : one.parent === parent));
      return own.length ? html`<ul>${own.map((one) => html`<li>${this.line(one, go)}${under(one.id)}</li>`)}</ul>` : "";
    };
    return html`<h2>${S.branches}</h2><div id="branches">${under(null)}</div>
      <button @click=${() => { this.forget(); go(null); }}>${S.forget}</button>`;
  }

  line(one, go) {
    const before = this.all.find(({ id }) => id === one.parent);
    const start = before ? commonStart(before.text + before.written, one.text) : Math.max(0, one.text.length - SHOWN / 2);
    const told = `${one.text.slice(start)}${one.written}`.slice(0, SHOWN).replaceAll("\n", "⏎") || S.branchStart;
    return html`<button class=${one.id === this.now ? "now" : ""} data-branch=${one.id}
      @click=${() => { this.now = one.id; this.save(); go(one); }}>${told}</button>`;
  }
}

/** How many characters two texts begin with alike. */
export function commonStart(one, other) {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at += 1;
  return at;
}
