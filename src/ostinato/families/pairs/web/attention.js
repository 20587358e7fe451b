// The attention of each target symbol to the source: a square for each pair of them, the darker the more.
import { html, render } from "./lit-html.js";
import { matrix, squareAt } from "./matrix.js";

export async function mount(root, { name, model, place, moved }) {
  const { source, target } = await model.facts(name);
  const { values } = await model.array(name, "weights");
  const weight = (row, column) => values[row * source.length + column];
  const shown = (symbol) => symbol.trim() || "\u2423";
  let [row, column] = /^\d+,\d+$/.test(place) ? place.split(",").map(Number) : [-1, -1];
  if (row >= target.length || column >= source.length) [row, column] = [-1, -1];
  const side = Math.max(14, Math.min(28, Math.floor(900 / source.length)));
  const canvas = matrix(target.length, source.length, weight, (share) => [20, 60, 140, share], side);

  /** Source symbols coloured by the row that is pointed at, target symbols by the column. */
  function paint() {
    const strongest = row < 0 ? -1 : source.map((_, at) => at).reduce((a, b) => (weight(row, b) > weight(row, a) ? b : a), 0);
    const tint = (share) => `background: rgba(20, 60, 140, ${share.toFixed(3)}); color: ${share > 0.5 ? "#fff" : "inherit"}`;
    render(
      html`<p class="quiet">A row for each symbol of the target, a column for each of the source; a row sums to 1. Point at a square, or at a word.</p>
        <p class="words">${source.map((symbol, at) => html`<span data-source=${at} .style=${tint(row < 0 ? 0 : weight(row, at))} @mouseover=${() => point(row, at)}>${shown(symbol)}</span> `)}</p>
        <p class="words">${target.map((symbol, at) => html`<span data-target=${at} class=${at === row ? "marked" : ""} .style=${tint(column < 0 ? 0 : weight(at, column))} @mouseover=${() => point(at, column)}>${shown(symbol)}</span> `)}</p>
        <p id="weight">${row < 0
          ? "\u00a0"
          : html`<b>${shown(target[row])}</b> attends most to <b id="strongest">${shown(source[strongest])}</b>, ${weight(row, strongest).toFixed(3)}${
              column < 0 ? "" : html`; to <b>${shown(source[column])}</b>, ${weight(row, column).toFixed(3)}`
            }`}</p>
        ${canvas}`,
      root,
    );
  }

  function point(newRow, newColumn) {
    [row, column] = [newRow, newColumn];
    if (row >= 0 && column >= 0) moved(`${row},${column}`);
    paint();
  }
  canvas.addEventListener("mousemove", (event) => point(...squareAt(canvas, event)));
  paint();
}
