// Every text of the studio, in one place. The views of looking inside have their own: they stand in files without a server, too.
export const S = {
  model: "model", models: "models", rooms: "rooms", copied: "copied", parameters: "weights",
  noModel: (name) => `There is no model ${JSON.stringify(name)} here.`,
  noRoom: (name) => `This model has no room ${JSON.stringify(name)}.`,
  otherWeights: (name) => `This link was made with other weights of ${name}: what it showed cannot be shown again.`,
  unknownSetting: (name) => `This link has a setting that this version does not know: ${name}.`,
  nothingHere: "There is no room for this model yet; the API and the commands have it.",
  copyCommand: "copy as command", copyPython: "copy as Python", copyLink: "copy link",
  working: "working …",

  write: "Write", text: "text", writeOn: "write on", further: "keep it, and go on", clear: "new text",
  typeHere: "Type: what the model expects next stands at the side; Tab takes the first, Escape and Tab go on to the buttons.",
  clickWord: "Click a word to see what else could stand there.",
  symbolsNext: "next symbol", wordsNext: "next word, by the model alone", end: "end", rest: "others",
  removed: (share) => `the rules leave out ${share}`, entropy: (bits) => `entropy ${bits} bits`,
  take: (name) => `take ${name}`, leftOut: (name) => `${name}: the rules leave it out`,
  how: "how it writes", more: "more", match: "match", matchHere: "a regular expression", top_k: "top-k", none: "off",
  temperature: "temperature", top_p: "top-p", min_p: "min-p", typical: "typical", length: "length", seed: "seed",
  hold: "hold a unit", unit: "unit", unitHere: "cell:0:14, Enter", value: "value", reset: "let go",
  insteadOf: (word) => `in place of ${JSON.stringify(word)}`, close: "close",
  branches: "branches", forget: "forget all branches", branchStart: "beginning",
  beside: "beside it", besideNone: "Another model writes the same with the same seed.",
  betterBy: (name, bits) => `Your text: ${bits} bits more probable to ${name}`, same: "Your text: as probable to both",
  beams: "beams", follow: "follow", width: "width", wins: (rank) => `${rank}.`, nats: (value) => `${value} nats`,
  beamsHere: "The beginnings that compete; faint ones have lost. Click one to go on from there.",

  inside: "Inside", noUnit: "No unit is shown: choose the view of cells, and a unit in it.", inspectText: "A text, which the model reads.",
  inspectHere: "A text; without one the beginning of what the run held out is looked at.",
  views: "views", look: "look", guessesAndCells: "guesses and cells", gatesToo: "cells and gates", trajectory: "trajectory",
  gates: "gates", saliency: "saliency", attention: "attention and guesses", memory: "biases",
  finder: "find cells", findHere: "Which units know where they are? Choose labels; units are ranked, with a control and what is lost without them.",
  find: "find", series: "through training", seriesHere: (count) => `This run kept its weights at ${count} steps.`, scrub: "look at all steps",
  holdHere: "Hold a unit and drag its value: the text below is written anew, with the same noise. Units of the view above can be taken.",
  takeShown: "take the one shown", given: (place) => `after ${place}`,

  score: "Score", scoreHere: "Paste a text: how probable each symbol of it is.", other: "and under", nobody: "no other model",
  perSymbol: (bits, nats, count) => `${bits} bits per symbol, ${nats} nats in all, ${count} symbols`,
};

/** A share as people read it. */
export function percent(share) {
  if (share > 0 && share < 0.00005) return "< 0.01 %";
  return `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`;
}
