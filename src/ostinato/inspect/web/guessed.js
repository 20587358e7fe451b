// What was expected at a place: probability, rank, and the likeliest symbols with bars.
import { html } from "./lit-html.js";
import { named } from "./text.js";

const percent = (share) =>
  share < 0.00005 ? `${(100 * share).toExponential(1)} %` : `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`;

/** A place of a text, from the facts that Python calls expected, guesses, entropies and removed. */
export function guessed(facts, place) {
  const [bits, rank] = facts.expected[place];
  const entropy = facts.entropies[place];
  return html`<p>
      <b>${named(facts.symbols[place])}</b> probability ${percent(2 ** -bits)}, ${bits.toFixed(2)} bits, rank ${rank};
      entropy ${entropy.toFixed(2)} bits${facts.removed ? `; the rules leave out ${percent(facts.removed[place])}` : ""}
    </p>
    <ol>
      ${facts.guesses[place].map(
        ([name, share]) =>
          html`<li><i .style=${`width: ${(11 * share).toFixed(3)}rem`}></i> <b>${named(name)}</b> ${percent(share)}</li>`,
      )}
    </ol>`;
}
