// Scoring: how probable a text is, symbol by symbol, what surprises, and whether another model finds it more probable.
import { html, render } from "./lit-html.js";
import { Newest, ask, later } from "./api.js";
import { argument, sharing } from "./share.js";
import { S } from "./strings.js";
import { Views } from "./views.js";

const SURPRISING = 20;

export const room = {
  name: "score", title: S.score, order: 3, settings: ["text", "other"],
  fits: (model) => model.verbs.includes("score") && model.verbs.includes("inspect") && !model.takes_files,
};

export async function mount(root, { model, models, settings, keep, tell, left }) {
  let text = settings.get("text") ?? "";
  const others = models.filter(({ id, family }) => id !== model.id && family === model.family);
  let other = others.some(({ id }) => id === settings.get("other")) ? settings.get("other") : "";
  let sum = "";
  const views = new Views({ tell, left });
  const newest = new Newest((error) => {
    sum = "";
    views.clear();
    paint();
    tell(error);
  }, left);

  const look = () => {
    keep({ text, other });
    paint();
    if (text === "") return null;
    return newest.ask(async (signal) => {
      const asked = { guesses: 5, surprising: SURPRISING, ...(other ? { compare: other } : {}) };
      const [score, told] = await Promise.all([
        ask("/v1/score", { model: model.id, text }, signal),
        ask("/v1/inspect", { model: model.id, text, views: asked }, signal),
      ]);
      sum = S.perSymbol(score.bits_per_symbol.toFixed(3), score.log_prob.toFixed(2), score.symbols.toLocaleString("en"));
      tell("");
      paint();
      await views.take(told.page);
      root.dataset.scored = text;
      root.dataset.logProb = score.log_prob;
    });
  };
  const soon = later(250, look);

  function paint() {
    const python = `import ostinato\n\nmodel = ostinato.load(${JSON.stringify(model.typed)})\nprint(model.score(${JSON.stringify(text)}).describe())\n`;
    const command = `ostinato score ${model.typed} --per word${argument(text)}`;
    render(
      html`<label>${S.scoreHere}<textarea .value=${text} spellcheck="false" @input=${(event) => { text = event.target.value; soon(); }}></textarea></label>
        <p>${others.length
          ? html`<label>${S.other} <select name="other" @change=${(event) => { other = event.target.value; look(); }}>
              <option value="">${S.nobody}</option>${others.map(({ id }) => html`<option value=${id} .selected=${id === other}>${id}</option>`)}</select></label>`
          : ""} <b id="sum">${sum}</b></p>
        ${views.element}
        ${text ? sharing(command, python) : ""}`,
      root,
    );
  }
  paint();
  await look();
}
