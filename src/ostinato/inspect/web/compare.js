// Two models on one text: where each of them finds it more probable.
import { html, render } from "./lit-html.js";
import { ColouredText, named, signed } from "./text.js";

const FULL = 8; // bits

export async function mount(root, { name, model, place, moved }) {
  const { parts, names } = await model.facts(name); // text, both in nats, and the gain in bits
  const told = document.createElement("p");
  const text = new ColouredText(parts.map(([part]) => part), point);
  const number = (value) => `${value > 0 ? "+" : ""}${value.toFixed(2)}`;

  function point(at) {
    const [part, first, second, gain] = parts[at];
    moved(at);
    text.mark(at);
    render(html`<b>${named(part)}</b>: ${names[0]} ${(-first / Math.LN2).toFixed(2)} bits, ${names[1]} ${(-second / Math.LN2).toFixed(2)} bits; ${number(gain)}`, told);
  }
  const total = parts.reduce((sum, part) => sum + part[3], 0);
  const order = parts.map((_, at) => at).sort((a, b) => Math.abs(parts[b][3]) - Math.abs(parts[a][3]));
  render(
    html`<p class="quiet">Green: ${names[0]} finds it more probable; blue: ${names[1]} does; full colour is ${FULL} bits.
        In all ${total >= 0 ? names[0] : names[1]} is better by ${Math.abs(total).toFixed(2)} bits.</p>
      ${told}
      <div class="panes">${text.element}
        <ol class="told">${order.slice(0, 40).map((at) => html`<li @mouseover=${() => point(at)}><b>${named(parts[at][0])}</b> ${number(parts[at][3])}</li>`)}</ol>
      </div>`,
    root,
  );
  text.paint((at) => signed(parts[at][3] / FULL));
  if (place !== "" && Number(place) < parts.length) point(Number(place));
}
