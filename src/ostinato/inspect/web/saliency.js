// Which earlier symbols a prediction rests on: by the gradient, and by leaving each symbol out, side by side.
import { html, render } from "./lit-html.js";
import { ColouredText, heat, named, signed } from "./text.js";

export async function mount(root, { name, model, place, moved }) {
  const { symbols, bits } = await model.facts(name);
  const [gradient, occlusion] = [await model.array(name, "gradient"), await model.array(name, "occlusion")];
  const count = symbols.length;
  const row = ({ values }, at) => values.subarray(at * count, (at + 1) * count);
  const told = document.createElement("p");
  const texts = [new ColouredText(symbols, point), new ColouredText(symbols, point)];

  function point(at) {
    moved(at);
    const [slopes, lost] = [row(gradient, at), row(occlusion, at)];
    const most = (values) => Math.max(1e-9, ...values.subarray(0, at).map(Math.abs));
    const [steepest, largest] = [most(slopes), most(lost)];
    texts[0].paint((j) => (j < at ? heat(slopes[j] / steepest) : "transparent"));
    texts[1].paint((j) => (j < at ? signed(lost[j] / largest) : "transparent"));
    for (const text of texts) text.mark(at);
    const best = Array.from({ length: at }, (_, j) => j).sort((a, b) => Math.abs(lost[b]) - Math.abs(lost[a])).slice(0, 5);
    render(
      html`<b>${named(symbols[at])}</b>, ${bits[at].toFixed(2)} bits. Without ${best.map(
        (j, n) => html`${n ? ", " : ""}<b>${named(symbols[j])}</b> (${at - j} before) ${lost[j] >= 0 ? "+" : ""}${lost[j].toFixed(2)} bits`,
      )}`,
      told,
    );
  }
  render(
    html`<p class="quiet">Point at a symbol: the symbols before it take the colour of what they did for its prediction.</p>
      ${told}
      <div class="halves">
        <section><h2>gradient</h2><p class="quiet">the redder, the more a small change of the symbol would change</p>${texts[0].element}</section>
        <section><h2>left out</h2><p class="quiet">green: without it the prediction gets worse; blue: better</p>${texts[1].element}</section>
      </div>`,
    root,
  );
  const first = Number(place);
  point(place !== "" && first < count ? first : count - 1);
}
