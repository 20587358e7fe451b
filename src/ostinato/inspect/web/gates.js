// How often each gate is shut or open, unit by unit, and over how many symbols units remember.
import { html, render, svg } from "./lit-html.js";
import { Chart } from "./chart.js";

const COLOURS = ["#1b6ca8", "#d2622a", "#2f9e44", "#8e44ad"];

export async function mount(root, { name, model, goTo, has }) {
  const { gates, layers: layerNames, spans, table } = await model.facts(name);
  const [left, right] = [await model.array(name, "left"), await model.array(name, "right")];
  const [, layers, units] = left.shape;
  const at = ({ values }, gate, layer, unit) => values[(gate * layers + layer) * units + unit];
  const told = document.createElement("p");
  const tell = (text) => render(text, told);
  const leads = has("cells") && layerNames.every((layer, n) => layer === String(n)); // to units of the same layers
  const open = (gate, layer, unit) => leads && goTo("cells", `hidden:${layer}:${unit}`);
  const chart = new Chart({ x: [0, 1], y: [0, 1], names: ["share of time open (over 0.9)", "share of time shut (under 0.1)"] });

  const scatter = (gate, index) =>
    chart.drawn(
      gate.replace("_", " "),
      svg`${Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: units }, (_, unit) => {
          const [shut, wide] = [at(left, index, layer, unit), at(right, index, layer, unit)];
          const say = () => tell(html`${gate.replace("_", " ")} of unit ${unit} of layer ${layerNames[layer]}: open ${(100 * wide).toFixed(1)} % of the time, shut ${(100 * shut).toFixed(1)} %`);
          return svg`<circle r="3" cx=${chart.across(wide)} cy=${chart.up(shut)} fill=${COLOURS[layer % 4]}
            @mouseover=${say} @click=${() => open(gate, layer, unit)} />`;
        }),
      )}`,
    );

  function histogram() {
    const edges = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    const counts = spans.map((own) => edges.map((low, n) => own.filter((span) => span >= (n ? low : 0) && span < (edges[n + 1] ?? Infinity)).length));
    const bars = new Chart({ x: [0, edges.length], y: [0, Math.max(1, ...counts.flat())], names: ["symbols remembered (1, 2, 4, 8, …)", "units"] });
    const wide = (bars.across(1) - bars.across(0)) / (layers + 0.5);
    return bars.drawn(
      "remembered span",
      svg`${counts.map((own, layer) =>
        own.map((count, n) => {
          const say = () => tell(html`layer ${layerNames[layer]}: ${count} units remember ${edges[n]} to ${edges[n + 1] ?? "more"} symbols`);
          return svg`<rect x=${bars.across(n) + layer * wide} width=${wide} y=${bars.up(count)}
            height=${bars.up(0) - bars.up(count)} fill=${COLOURS[layer % 4]} @mouseover=${say} />`;
        }),
      )}`,
    );
  }

  render(
    html`<p class="quiet">Each dot is a unit; its colour is that of its layer${layers > 1 ? ", from below: blue, orange, green" : ""}.
        A unit at the left edge is never open; one at the bottom is never shut.</p>
      <p class="quiet">${told}</p>
      <div class="charts">${gates.map(scatter)}${spans ? histogram() : ""}</div>
      <table>
        <thead><tr>${table.columns.map((column) => html`<th>${column}</th>`)}</tr></thead>
        <tbody>${table.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
      </table>`,
    root,
  );
  tell(html`Point at a dot.`);
}
