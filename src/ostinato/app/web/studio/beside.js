// Other models at the side: each writes the same with the same seed, and how much better it knows the text.
import { html, render } from "./lit-html.js";
import { Newest, ask, events } from "./api.js";
import { S } from "./strings.js";

const MOST = 3;

export class Beside {
  /** @param names Names of models with commas. @param changed Called when one comes or goes. */
  constructor({ model, models, tell, left }, names, changed) {
    this.model = model;
    this.others = models.filter(({ id, verbs }) => id !== model.id && verbs.includes("generate"));
    this.names = names.split(",").filter((name) => this.others.some(({ id }) => id === name));
    this.changed = changed;
    this.texts = {};
    this.gains = {};
    this.tell = tell;
    this.newest = Object.fromEntries(this.others.map(({ id }) => [id, [new Newest(tell, left), new Newest(tell, left)]]));
    this.element = document.createElement("section");
    this.paint();
  }

  /** Have the others write what a request asks for. */
  write(request) {
    this.gains = {}; // of another text
    for (const id of this.names) {
      const [writing, comparing] = this.newest[id];
      writing.ask(async (signal) => {
        let whole = "";
        for await (const { choices } of events("/v1/completions", { model: id, ...request, hold: [] }, signal)) {
          whole += choices[0]?.text ?? "";
          this.texts[id] = whole;
          this.paint();
        }
      });
      if (request.prompt) comparing.ask((signal) => this.compare(id, request.prompt, signal));
    }
  }

  /** The difference of both models' bits for the text that is given. */
  async compare(id, text, signal) {
    const { views } = await ask("/v1/inspect", { model: this.model.id, text, views: { compare: id }, options: { per: "line" } }, signal);
    this.gains[id] = views.compare.reduce((sum, { bits_gained }) => sum + bits_gained, 0);
    this.paint();
  }

  told(id) {
    const gain = this.gains[id];
    if (gain === undefined) return "";
    const better = gain > 0 ? this.model.id : id;
    return html`<p class="quiet" data-gain=${gain}>${gain === 0 ? S.same : S.betterBy(better, Math.abs(gain).toFixed(2))}</p>`;
  }

  paint() {
    if (!this.others.length) return;
    const choose = (id, is) => {
      this.names = is ? [...this.names, id].slice(-MOST) : this.names.filter((one) => one !== id);
      this.paint();
      this.changed();
    };
    render(
      html`<details ?open=${this.names.length > 0}><summary>${S.beside}</summary>
        <p class="quiet">${S.besideNone}</p>
        <p class="choices">${this.others.map(({ id }) => html`<label><input type="checkbox" name="beside" value=${id} .checked=${this.names.includes(id)}
          @change=${(event) => choose(id, event.target.checked)} /> ${id}</label>`)}</p>
        <div class="columns">${this.names.map((id) => html`<section><h2>${id}</h2>${this.told(id)}
          <pre class="text written" data-beside=${id}>${this.texts[id] ?? ""}</pre></section>`)}</div></details>`,
      this.element,
    );
  }
}
