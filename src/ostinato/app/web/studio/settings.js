// Settings of writing: sliders, and how they are asked for, by requests, commands, Python and the address.
import { html } from "./lit-html.js";
import { S } from "./strings.js";

/** Name, least, most, step, usual value, and the value at which it is off. */
const SLIDERS = [
  ["temperature", 0, 2, 0.05, 0.8, 1],
  ["top_p", 0.05, 1, 0.05, 1, 1],
  ["length", 20, 2000, 20, 400],
  ["seed", 1, 100, 1, 1],
];
const MORE = [
  ["top_k", 0, 50, 1, 0, 0],
  ["min_p", 0, 0.5, 0.01, 0, 0],
  ["typical", 0, 1, 0.05, 0, 0],
];
const ALL = [...SLIDERS, ...MORE];

export const NAMES = [...ALL.map(([name]) => name), "match", "hold", "value"];

export class Settings {
  /** @param from The address. */
  constructor(from) {
    for (const [name, least, most, , usual] of ALL) {
      const given = Number(from.get(name) ?? usual);
      this[name] = given >= least && given <= most ? given : usual;
    }
    this.match = from.get("match") ?? "";
    this.hold = from.get("hold") ?? "";
    this.value = Number(from.get("value") ?? 0) || 0;
  }

  /** What shapes the distribution, as requests have it. */
  rules() {
    const given = {};
    for (const [name, , , , , off] of ALL) if (off !== undefined && this[name] !== off) given[name] = this[name];
    if (this.match) given.match = this.match;
    return given;
  }

  held() {
    return this.hold ? { hold: [`${this.hold}=${this.value}`] } : {};
  }

  /** All of a request for a text. */
  request(prompt) {
    return { prompt, max_tokens: this.length, seed: this.seed, ...this.rules(), ...this.held() };
  }

  /** As the address has it: all of it, as what is usual may change one day. */
  address() {
    const given = Object.fromEntries(ALL.map(([name]) => [name, this[name]]));
    return { ...given, match: this.match, hold: this.hold, value: this.hold ? this.value : "" };
  }

  /** As commands and Python have it: names and values. */
  options() {
    const { temperature, ...rules } = this.rules();
    const random = temperature !== 0;
    return [
      ["length", this.length], ["seed", random && this.seed], ["greedy", !random], ["temperature", random && temperature],
      ...Object.entries(rules),
    ];
  }
}

function slider(settings, [name, least, most, step, , off], changed) {
  const told = off === 0 && settings[name] === 0 && name !== "temperature" ? S.none : settings[name];
  return html`<label>${S[name]}
    <input type="range" name=${name} min=${least} max=${most} step=${step} .value=${String(settings[name])}
      @input=${(event) => { settings[name] = Number(event.target.value); changed(); }} />
    <output>${told}</output></label>`;
}

/** The sliders. @param wrong What is wrong with the regular expression. @param changed Called after every change. */
export function sliders(settings, wrong, changed) {
  const text = (name, hint) => html`<input name=${name} .value=${settings[name]} placeholder=${hint} spellcheck="false"
    aria-invalid=${name === "match" && wrong ? "true" : "false"}
    @input=${(event) => { settings[name] = event.target.value.trim(); changed(); }} />`;
  return html`<h2>${S.how}</h2>
    <div class="sliders">
      ${SLIDERS.map((one) => slider(settings, one, changed))}
      <label>${S.match}${text("match", S.matchHere)}</label>
      ${wrong ? html`<p class="wrong" role="alert">${wrong}</p>` : ""}
    </div>
    <details ?open=${MORE.some(([name, , , , usual]) => settings[name] !== usual)}><summary>${S.more}</summary>
      <div class="sliders">${MORE.map((one) => slider(settings, one, changed))}</div></details>
    ${holding(settings, changed)}`;
}

/** Which unit is held, and its value. */
export function holding(settings, changed) {
  return html`<h2>${S.hold}</h2>
    <div class="sliders">
      <label>${S.unit}<input name="hold" .value=${settings.hold} placeholder=${S.unitHere} spellcheck="false"
        @change=${(event) => { settings.hold = event.target.value.trim(); changed(); }} /></label>
      <label>${S.value}<input type="range" name="value" min="-2" max="2" step="0.02" .value=${String(settings.value)}
        ?disabled=${!settings.hold} @input=${(event) => { settings.value = Number(event.target.value); changed(); }} />
        <output>${settings.value}</output></label>
      <button name="reset" ?disabled=${!settings.hold} @click=${() => { settings.hold = ""; settings.value = 0; changed(); }}>${S.reset}</button>
    </div>`;
}
