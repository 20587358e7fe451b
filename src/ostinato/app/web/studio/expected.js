// What may come next: symbols with bars, whole words, and what the rules leave out.
import { html } from "./lit-html.js";
import { named } from "./text.js";
import { S, percent } from "./strings.js";

/** A symbol or word on one line; spaces alone can be seen. */
export function line(text) {
  const told = text.replaceAll("\n", "⏎").replaceAll("\t", "→");
  return told.trim() === "" ? told.replaceAll(" ", "␣") : told;
}

const bar = (share) => html`<i .style=${`width: ${(100 * share).toFixed(2)}%`}></i>`;

function guess({ text, probability, kept }, take) {
  if (text === "") return html`<span class="guess"><b>${S.end}</b>${bar(probability)}<span>${percent(probability)}</span></span>`;
  const title = kept ? S.take(named(text)) : S.leftOut(named(text));
  return html`<button class=${kept ? "guess" : "guess out"} title=${title} aria-label=${`${title}, ${percent(probability)}`}
    data-text=${text} data-probability=${probability} @click=${() => take(text)}><b>${line(text)}</b>${bar(probability)}<span>${percent(probability)}</span></button>`;
}

/** @param told As /v1/next answers. @param take Takes the text that is chosen. */
export function expected(told, take) {
  return html`<h2>${S.symbolsNext}</h2>
    <div class="guesses">${told.guesses.map((one) => guess(one, take))}</div>
    <p class="quiet">${S.entropy(told.entropy_bits.toFixed(2))}${told.removed ? html`; <span class="removed" data-removed=${told.removed}>${S.removed(percent(told.removed))}</span>` : ""}</p>
    ${told.words.length
      ? html`<h2>${S.wordsNext}</h2>
          <div class="words-next">${told.words.map(
            ({ word, text, probability }) => html`<button class="guess word" title=${S.take(named(word))} data-word=${word} data-text=${text}
              data-probability=${probability} @click=${() => take(text)}><b>${line(word)}</b>${bar(probability)}<span>${percent(probability)}</span></button>`,
          )}</div>
          <p class="quiet">${S.rest} ${percent(told.words_rest)}</p>`
      : ""}`;
}
