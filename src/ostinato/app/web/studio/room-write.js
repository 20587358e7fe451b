// Writing: what the model expects as you type, a text that rewrites itself while a slider moves, and its branches.
import { html, render } from "./lit-html.js";
import { Newest, ask, events, later } from "./api.js";
import { Beams } from "./beams.js";
import { Beside } from "./beside.js";
import { Branches } from "./branches.js";
import { expected } from "./expected.js";
import { NAMES, Settings, sliders } from "./settings.js";
import { options, sharing } from "./share.js";
import { S } from "./strings.js";
import { Written } from "./written.js";

const GUESSES = 10;
const WORDS = 8;

export const room = {
  name: "write", title: S.write, order: 1, settings: ["text", "beside", ...NAMES],
  fits: (model) => model.verbs.includes("generate"),
};

class Write {
  constructor(root, context) {
    Object.assign(this, { root, context });
    const { model, settings, left, tell } = context;
    this.settings = new Settings(settings);
    this.branches = new Branches(model.id);
    this.text = settings.get("text") ?? "";
    this.told = null; // what /v1/next has answered
    this.written = "";
    this.shown = new Written((start, word) => this.lookAt(start, word));
    this.wrong = "";
    this.asked = null; // a word that is looked at: where it begins, and what else could stand there
    this.expecting = new Newest((error) => this.refuse(error), left);
    this.writing = new Newest((error) => this.refuse(error), left);
    this.looking = new Newest(tell, left);
    this.beside = new Beside(context, settings.get("beside") ?? "", () => this.write());
    this.beams = new Beams(context, (text) => this.goOn(text), () => this.beams.follow(this.text, this.settings));
    this.sum = later(120, () => this.expect(WORDS));
    this.expectLater = later(150, () => this.expect());
  }

  keep() {
    this.context.keep({ text: this.text, beside: this.beside.names.join(","), ...this.settings.address() });
  }

  /** An error belongs to the regular expression where there is one that does not work, and else to all. */
  refuse(message) {
    this.told = null; // it belongs to another text
    if (this.settings.match && /match|regular|expression|pattern/.test(message)) this.wrong = message;
    else this.context.tell(message);
    this.paint();
  }

  /** What may come next: symbols at once, words when typing pauses. */
  expect(words = 0) {
    const { text, settings } = this;
    if (!words) this.sum();
    return this.expecting.ask(async (signal) => {
      const body = { model: this.context.model.id, text, count: GUESSES, words, ...settings.rules(), ...settings.held() };
      this.told = { ...(await ask("/v1/next", body, signal)), text };
      this.wrong = "";
      this.context.tell("");
      this.controls();
      this.root.dataset.next = text;
      if (words) this.root.dataset.words = text;
    });
  }

  write() {
    this.keep();
    const { text, settings } = this;
    const request = settings.request(text);
    const told = JSON.stringify(request);
    this.asked = null;
    this.beside.write(request);
    return this.writing.ask(async (signal) => {
      let whole = "";
      for await (const { choices } of events("/v1/completions", { model: this.context.model.id, ...request }, signal)) {
        if (text !== this.text) return; // something else was typed
        whole += choices[0]?.text ?? "";
        this.shown.grow(text, whole);
      }
      if (text !== this.text) return;
      this.written = whole;
      this.wrong = "";
      this.branches.wrote(text, whole, settings.address());
      this.paint();
      this.root.dataset.written = told;
    });
  }

  type(value) {
    this.writing.stop();
    this.beams.clear(); // of another text
    this.text = value;
    this.asked = null;
    this.keep();
    this.paint();
    this.expect();
  }

  changed = () => {
    this.write(); // first: it is what a moving slider shows
    this.expectLater();
    this.controls();
  };

  /** Take a guess, as if it had been typed. */
  take = (guess) => {
    if (this.told?.text !== this.text) return; // guesses of another text
    this.written = "";
    this.type(this.text + guess);
    this.root.querySelector("textarea").focus();
  };

  /** Go on from another text, as a new branch. */
  goOn(text) {
    this.branches.branch(text, this.settings.address());
    this.written = "";
    this.type(text);
    this.write();
  }

  keyed(event) {
    const leaves = this.leaves; // after Escape Tab goes on to what comes next, as everywhere
    this.leaves = event.key === "Escape";
    if (event.key !== "Tab" || event.shiftKey || leaves || !this.told?.guesses[0]?.text) return;
    event.preventDefault();
    this.take(this.told.guesses[0].text);
  }

  /** Ask what else could stand where a word of the written text does. */
  lookAt(start, word) {
    return this.looking.ask(async (signal) => {
      const { text, written } = this;
      const before = text + written.slice(0, start + (word.trim() && word.length - word.trimStart().length));
      const body = { model: this.context.model.id, text: before, count: GUESSES, words: WORDS, ...this.settings.held() };
      const told = await ask("/v1/next", body, signal);
      if (text !== this.text || written !== this.written) return;
      this.asked = { start, word, before, told };
      this.paint();
    });
  }

  command() {
    const { model } = this.context;
    const given = options([["prompt", this.text], ...this.settings.options(), ["hold", this.settings.held().hold]]);
    const own = options(this.settings.options());
    const [unit] = this.settings.held().hold ?? [];
    const clamp = unit ? "from ostinato.inspect.clamps import parse_clamp\n" : "";
    const held = unit ? `.clamped(parse_clamp(${JSON.stringify(unit)}))` : "";
    const python = `import ostinato\n${clamp}\nmodel = ostinato.load(${JSON.stringify(model.typed)})${held}\nprint(model.generate(${JSON.stringify(this.text)}${own.python}).text)\n`;
    return sharing(`ostinato generate ${model.typed}${given.command}`, python);
  }

  instead() {
    if (!this.asked) return "";
    const { word, before, told } = this.asked;
    const choose = (text) => this.goOn(before + text);
    return html`<section id="instead"><h2>${S.insteadOf(word.trim())}</h2>${expected(told, choose)}
      <button @click=${() => { this.asked = null; this.paint(); }}>${S.close}</button></section>`;
  }

  paint() {
    this.shown.end(this.text, this.written, this.asked?.start);
    this.controls();
  }

  /** All but what was written. */
  controls() {
    render(
      html`<div class="write">
        <section>
          <label>${S.text}<textarea .value=${this.text} spellcheck="false" placeholder=${S.typeHere}
            @input=${(event) => { this.written = ""; this.type(event.target.value); }} @keydown=${(event) => this.keyed(event)}></textarea></label>
          <p><button id="write" class="main" @click=${() => this.write()}>${S.writeOn}</button>
            <button id="further" ?disabled=${!this.written} @click=${() => this.goOn(this.text + this.written)}>${S.further}</button>
            <button @click=${() => { this.written = ""; this.type(""); }}>${S.clear}</button></p>
          ${this.shown.element}
          ${this.written ? html`<p class="quiet">${S.clickWord}</p>` : ""}
          ${this.instead()}
          ${this.command()}
          ${this.beside.element}
          ${this.beams.element}
        </section>
        <aside>
          <div id="guesses">${this.told ? expected(this.told, this.take) : ""}</div>
          ${sliders(this.settings, this.wrong, this.changed)}
          ${this.branches.drawn((one) => {
            this.writing.stop();
            if (one) {
              const settings = new Settings(new URLSearchParams(one.settings));
              Object.assign(this, { text: one.text, written: one.written, asked: null, settings });
            }
            this.keep();
            this.expect();
            this.paint();
          })}
        </aside>
      </div>`,
      this.root,
    );
  }
}

export async function mount(root, context) {
  const write = new Write(root, context);
  write.paint();
  await write.expect();
  if (context.settings.get("digest") && context.intact) await write.write(); // a link: what it showed is written again
}
