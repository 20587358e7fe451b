// The text coloured by how much each symbol surprised, and what was expected in its place.
import { html, render } from "./lit-html.js";
import { ColouredText, heat } from "./text.js";
import { guessed } from "./guessed.js";

const FULL = 8; // bits that are shown in the fullest colour

export async function mount(root, { name, model, place, moved }) {
  const { text: facts } = await model.facts(name);
  const colours = {
    surprise: (at) => facts.expected[at][0] / FULL,
    entropy: (at) => facts.entropies[at] / FULL,
    ...(facts.removed ? { "left out by rules": (at) => facts.removed[at] } : {}),
  };
  let by = "surprise";
  const text = new ColouredText(facts.symbols, point);
  const told = document.createElement("div");
  told.className = "told";

  function point(at) {
    text.mark(at);
    moved(at);
    render(guessed(facts, at), told);
  }
  const paint = () => text.paint((at) => heat(colours[by](at)));
  const total = facts.expected.reduce((sum, [bits]) => sum + bits, 0);
  render(
    html`<p class="quiet">
        ${facts.symbols.length.toLocaleString()} symbols, ${(total / facts.symbols.length).toFixed(3)} bits per symbol.
        The redder, the more surprising: full red is ${FULL} bits. Point at a symbol to see what was expected there.
      </p>
      <div class="controls">
        <label>colour by
          <select @change=${(event) => { by = event.target.value; paint(); }}>
            ${Object.keys(colours).map((one) => html`<option>${one}</option>`)}
          </select></label>
      </div>
      <div class="panes">${text.element}${told}</div>`,
    root,
  );
  paint();
  if (place !== "" && Number(place) < facts.symbols.length) point(Number(place));
}
