// One text and one seed through all of training, and when cells that know something appeared.
import { html, render, svg } from "./lit-html.js";
import { Chart } from "./chart.js";
import { ColouredText, heat } from "./text.js";

const FULL = 8; // bits
const COLOURS = ["#d2622a", "#2f9e44", "#8e44ad", "#1b6ca8", "#b8860b"];

export async function mount(root, { name, model, place, moved }) {
  const { symbols, steps } = await model.facts(name); // step, bits of each symbol, written, found
  const labels = [...new Set(steps.flatMap(({ found }) => found.map(({ label }) => label)))];
  const log = (step) => Math.log2(step + 1);
  const mean = (step) => step.mean;
  const across = [log(steps[0].step), log(steps.at(-1).step)];
  const most = Math.max(...steps.map(mean));
  const ends = [steps[0].step, steps.at(-1).step];
  const curves = new Chart({ x: across, ends, y: [0, most], names: ["training steps, logarithmic", "bits per symbol"] });
  const scores = new Chart({ x: across, ends, y: [0, 1], names: ["training steps, logarithmic", "AUC or R²"] });
  const text = new ColouredText(symbols, () => {});
  const shown = document.createElement("div");
  let at = place === "" ? steps.length - 1 : Math.min(steps.length - 1, Number(place) || 0);

  function go(number) {
    at = number;
    moved(at);
    paint();
  }

  const points = (chart, values) =>
    values.map(({ step, value }) => `${chart.across(log(step))},${chart.up(value)}`).join(" ");

  function paint() {
    const now = steps[at];
    text.paint((symbol) => heat(now.bits[symbol] / FULL));
    const line = (chart) => svg`<line class="axis" x1=${chart.across(log(now.step))} x2=${chart.across(log(now.step))} y1=${chart.up(chart.y[0])} y2=${chart.up(chart.y[1])} />`;
    render(
      html`<div class="controls">
          <label>step <input type="range" aria-label="step" min="0" max=${steps.length - 1} .value=${String(at)} @input=${(event) => go(Number(event.target.value))} /></label>
          <b id="step">${now.step.toLocaleString()}</b><span>${mean(now).toFixed(3)} bits per symbol</span>
        </div>
        <div class="charts">
          ${curves.drawn("the text", svg`<polyline class="way" points=${points(curves, steps.map((one) => ({ step: one.step, value: mean(one) })))} />${line(curves)}`)}
          ${labels.length
            ? scores.drawn("the best cell of each label", svg`${labels.map((label, n) => svg`<polyline fill="none" stroke=${COLOURS[n % 5]} points=${points(scores, steps.flatMap(({ step, found }) => found.filter((one) => one.label === label).map(({ score }) => ({ step, value: score }))))} />`)}${line(scores)}`)
            : ""}
        </div>
        ${now.found.map(({ label, unit, score, measure }) => html`<p class="quiet"><i class="key" .style=${`background: ${COLOURS[labels.indexOf(label) % 5]}`}></i> ${label}: ${unit}, ${measure} ${score.toFixed(2)}</p>`)}
        <h2>written at this step, always with the same seed</h2><pre class="text">${now.written}</pre>
        <h2>read at this step: the redder, the more surprising</h2>`,
      shown,
    );
  }
  render(html`${shown}${text.element}`, root);
  paint();
}
