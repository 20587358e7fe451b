// Inside: a model while it reads a text: heat maps as you type, cells that know something, a unit that is held and dragged.
import { html, render } from "./lit-html.js";
import { Newest, ask, events, later } from "./api.js";
import { Settings, holding } from "./settings.js";
import { argument, options, sharing } from "./share.js";
import { S } from "./strings.js";
import { Views } from "./views.js";

const LONGEST = 2000; // characters that are looked at while they are typed
const WRITTEN = 300; // symbols that are written while a unit is held
const UNIT = /^(\w+:\d+:\d+)/;

/** What can be looked at together: its name, the views with their values, and the view that a model has to have. */
const SETS = [
  ["guessesAndCells", { guesses: 5, cells: "" }, "guesses"],
  ["gatesToo", { guesses: 5, cells: "gates" }, "hold"],
  ["attention", { attention: true, guesses: 5 }, "attention"],
  ["memory", { memory: true, cells: "" }, "memory"],
  ["trajectory", { trajectory: "" }, "trajectory"],
  ["gates", { gates: true }, "gates"],
  ["saliency", { saliency: true }, "saliency"],
];

export const room = {
  name: "inside", title: S.inside, order: 2, settings: ["text", "views", "find", "view", "place", "hold", "value"],
  fits: (model) => model.verbs.includes("inspect"),
};

class Inside {
  constructor(root, context) {
    Object.assign(this, { root, context });
    const { model, settings, left, tell } = context;
    const has = new Set(model.options.inspect ?? []);
    this.sets = SETS.filter(([, , needed]) => has.has(needed));
    this.text = settings.get("text") ?? "";
    this.set = this.sets.find(([name]) => name === settings.get("views")) ?? this.sets[0];
    this.find = settings.get("find") ?? "";
    this.settings = new Settings(settings);
    this.settings.length = WRITTEN;
    this.written = "";
    this.busy = false;
    this.views = new Views({ tell, left, moved: (view, place) => this.context.keep({ ...this.address(), view, place }) });
    this.views.at = { name: settings.get("view") ?? "", place: settings.get("place") ?? "" };
    this.newest = new Newest((error) => { this.busy = false; this.views.clear(); this.paint(); tell(error); }, left);
    this.writing = new Newest(tell, left);
    this.soon = later(200, () => this.text.length <= LONGEST && this.look());
  }

  address() {
    return {
      text: this.text, views: this.set[0] === this.sets[0][0] ? "" : this.set[0], find: this.find,
      hold: this.settings.hold, value: this.settings.hold ? this.settings.value : "",
    };
  }

  /** Take views of the text. */
  take(views) {
    this.context.keep(this.address());
    this.busy = true;
    this.paint();
    const { text } = this;
    return this.newest.ask(async (signal) => {
      const body = { model: this.context.model.id, text: text === "" ? null : text, views };
      const told = await ask("/v1/inspect", body, signal);
      this.busy = false;
      this.context.tell(told.notes.join(" "));
      this.asked = views;
      this.paint();
      await this.views.take(told.page);
      this.root.dataset.looked = text;
      this.root.dataset.taken = Object.keys(views).join(" ");
    });
  }

  look() {
    this.find = "";
    return this.take(this.set[1]);
  }

  search() {
    if (!this.find) return null;
    this.views.at.name = "find";
    return this.take({ find: this.find });
  }

  /** Write on from the text with a unit held, anew whenever it is dragged. */
  drag = () => {
    this.context.keep(this.address());
    this.paint();
    return this.writing.ask(async (signal) => {
      const request = this.settings.request(this.text);
      let whole = "";
      for await (const { choices } of events("/v1/completions", { model: this.context.model.id, ...request }, signal)) {
        whole += choices[0]?.text ?? "";
        this.written = whole;
        this.paint();
      }
      this.written = whole;
      this.paint();
      this.root.dataset.held = JSON.stringify(request);
    });
  };

  takeShown() {
    const unit = UNIT.exec(this.views.at.place);
    if (!unit) {
      this.context.tell(S.noUnit);
      return;
    }
    [, this.settings.hold] = unit;
    this.drag();
  }

  finder() {
    const { labels } = this.context.model;
    if (!labels.length) return "";
    const chosen = new Set(this.find.split(",").filter(Boolean));
    const choose = (event) => {
      if (event.target.checked) chosen.add(event.target.value);
      else chosen.delete(event.target.value);
      this.find = [...chosen].join(",");
      this.paint();
    };
    return html`<details ?open=${this.find !== ""}><summary>${S.finder}</summary><p class="quiet">${S.findHere}</p>
      <p class="choices">${labels.map((one) => html`<label><input type="checkbox" name="label" value=${one} .checked=${chosen.has(one)} @change=${choose} /> ${one}</label>`)}</p>
      <button id="find" ?disabled=${!chosen.size} @click=${() => this.search()}>${S.find}</button></details>`;
  }

  training() {
    const { steps } = this.context.model;
    if (!steps.length) return "";
    return html`<details><summary>${S.series}</summary><p class="quiet">${S.seriesHere(steps.length)}</p>
      <button id="series" @click=${() => this.take({ series: this.find })}>${S.scrub}</button></details>`;
  }

  holder() {
    const { model } = this.context;
    if (!model.verbs.includes("generate") || !(model.options.inspect ?? []).includes("hold")) return "";
    return html`<details ?open=${this.settings.hold !== ""} id="holder"><summary>${S.hold}</summary><p class="quiet">${S.holdHere}</p>
      <button id="shown" @click=${() => this.takeShown()}>${S.takeShown}</button>
      ${holding(this.settings, this.drag)}
      <pre class="text written">${this.written}</pre></details>`;
  }

  command() {
    const views = this.find ? { find: this.find } : (this.asked ?? this.set[1]);
    const given = options(Object.entries(views).map(([name, value]) => [name, value === "" ? true : value]));
    return sharing(`ostinato inspect ${this.context.model.typed}${given.command} --html inside.html${argument(this.text)}`, "");
  }

  paint() {
    const choose = (event) => {
      this.set = this.sets.find(([name]) => name === event.target.value);
      this.look();
    };
    render(
      html`${this.context.model.takes_files
          ? html`<p class="quiet">${S.inspectHere}</p>`
          : html`<label>${this.context.model.has_data ? S.inspectHere : S.inspectText}<textarea .value=${this.text} spellcheck="false"
              @input=${(event) => { this.text = event.target.value; this.soon(); }}></textarea></label>`}
        <p><label>${S.views} <select name="views" @change=${choose}>
            ${this.sets.map((one) => html`<option value=${one[0]} .selected=${one === this.set}>${S[one[0]]}</option>`)}</select></label>
          <button id="look" class="main" @click=${() => this.look()}>${S.look}</button> <span role="status">${this.busy ? S.working : ""}</span></p>
        ${this.finder()}${this.training()}${this.holder()}
        ${this.views.element}
        ${this.command()}`,
      this.root,
    );
  }
}

export async function mount(root, context) {
  const inside = new Inside(root, context);
  inside.paint();
  if (inside.settings.hold) inside.drag();
  await (inside.find ? inside.search() : inside.text || context.model.has_data ? inside.look() : null);
}
