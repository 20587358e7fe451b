// The text coloured by one unit, and what the model expected at every place. Everything comes from the page itself.
"use strict";

const about = JSON.parse(document.getElementById("recording").textContent);
const byId = (name) => document.getElementById(name);
const parts = {};

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Int8Array(await new Response(stream).arrayBuffer());
}

/** Values of a unit after each symbol, from -1 to 1 of the largest of its part. */
function valuesOf(part, layer, unit) {
  const count = about.symbols.length;
  const first = (layer * about.units + unit) * count;
  return parts[part].subarray(first, first + count);
}

function shown(symbol) {
  return symbol === "\n" ? "\u23ce\n" : symbol === "\t" ? "\u2192\t" : symbol;
}

const spans = about.symbols.map((symbol, place) => {
  const span = document.createElement("span");
  span.textContent = shown(symbol);
  span.tabIndex = -1;
  span.dataset.place = String(place);
  return span;
});

/** The address names the unit, and with @PLACE a symbol: #cell:0:88@12. */
const state = { part: about.parts[0].name, layer: 0, unit: 0, place: -1 };

function scaleOf(part) {
  return about.parts.find((one) => one.name === part).scale;
}

function colour(value) {
  const share = Math.min(1, Math.abs(value) / 127);
  const [red, green, blue] = value > 0 ? [47, 158, 68] : [74, 144, 217];
  return `rgba(${red}, ${green}, ${blue}, ${share.toFixed(3)})`;
}

function paint() {
  const values = valuesOf(state.part, state.layer, state.unit);
  let most = 1;
  for (const value of values) most = Math.max(most, Math.abs(value));
  spans.forEach((span, place) => { span.style.backgroundColor = colour((127 * values[place]) / most); });
  byId("unit").value = String(state.unit);
  byId("slider").value = String(state.unit);
  byId("layer").value = String(state.layer);
  byId("part").value = state.part;
  const place = state.place < 0 ? "" : `@${state.place}`;
  location.replace(`#${state.part}:${state.layer}:${state.unit}${place}`);
  byId("named").textContent = `${state.part} ${state.layer}:${state.unit}`;
  tell(state.place);
}

function tell(place) {
  state.place = place;
  const told = byId("told");
  told.replaceChildren();
  if (place < 0) {
    told.textContent = "Point at a symbol: its value, its probability and what was expected there.";
    return;
  }
  const value = (valuesOf(state.part, state.layer, state.unit)[place] / 127) * scaleOf(state.part);
  const [p, rank] = about.expected[place];
  const line = document.createElement("p");
  line.textContent =
    `${JSON.stringify(about.symbols[place])} – after it the unit is ${value.toFixed(3)}; ` +
    `probability ${(100 * p).toFixed(2)} %, rank ${rank}`;
  told.append(line);
  const list = document.createElement("ol");
  for (const [name, share] of about.guesses[place]) {
    const item = document.createElement("li");
    const bar = document.createElement("i");
    bar.style.width = `${(12 * share).toFixed(3)}rem`;
    const text = document.createElement("b");
    text.textContent = JSON.stringify(name);
    item.append(text, ` ${(100 * share).toFixed(1)} % `, bar);
    list.append(item);
  }
  told.append(list);
}

/** Units in an order: as they are, or by how much they change. */
function order(kind) {
  const numbers = [...Array(about.units).keys()];
  if (kind === "number") return numbers;
  const spread = (unit) => {
    const values = valuesOf(state.part, state.layer, unit);
    let sum = 0, squares = 0;
    for (const value of values) { sum += value; squares += value * value; }
    return squares / values.length - (sum / values.length) ** 2;
  };
  const spreads = numbers.map(spread);
  return numbers.sort((a, b) => spreads[b] - spreads[a]);
}

function move(step) {
  const units = order(byId("sort").value);
  const at = units.indexOf(state.unit);
  state.unit = units[(at + step + units.length) % units.length];
  paint();
}

function listen() {
  byId("text").addEventListener("mouseover", (event) => {
    if (event.target.dataset.place) tell(Number(event.target.dataset.place));
  });
  byId("text").addEventListener("focusin", (event) => tell(Number(event.target.dataset.place)));
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("sort").addEventListener("change", () => { state.unit = order(byId("sort").value)[0]; paint(); });
  byId("part").addEventListener("change", (event) => { state.part = event.target.value; paint(); });
  byId("layer").addEventListener("change", (event) => { state.layer = Number(event.target.value); paint(); });
  for (const name of ["unit", "slider"]) {
    byId(name).addEventListener("input", (event) => {
      const unit = Number(event.target.value);
      if (Number.isInteger(unit) && unit >= 0 && unit < about.units) { state.unit = unit; paint(); }
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT" || event.target.tagName === "SELECT") return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  for (const button of document.querySelectorAll("button[data-unit]")) {
    button.addEventListener("click", () => {
      Object.assign(state, JSON.parse(button.dataset.unit));
      paint();
    });
  }
}

async function begin() {
  for (const part of about.parts) parts[part.name] = await unpacked(part.values);
  byId("text").append(...spans);
  Object.assign(state, about.first);
  const asked = /^#(\w+):(\d+):(\d+)(?:@(\d+))?$/.exec(location.hash);
  if (asked && parts[asked[1]] && Number(asked[2]) < byId("layer").options.length && Number(asked[3]) < about.units) {
    Object.assign(state, { part: asked[1], layer: Number(asked[2]), unit: Number(asked[3]) });
    if (Number(asked[4]) < about.symbols.length) state.place = Number(asked[4]);
  }
  listen();
  paint();
  document.body.dataset.ready = "yes";
}

begin().catch((error) => { byId("told").textContent = `This page could not be shown: ${error}`; });
