// The text coloured by one unit, and what the model expected at every place; flip through units in any order.
import { html, render } from "./lit-html.js";
import { ColouredText, signed } from "./text.js";
import { guessed } from "./guessed.js";

const ADDRESS = /^(\w+):(\d+):(\d+)(?:@(\d+))?$/;

function variance(values) {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return squares / values.length - (sum / values.length) ** 2;
}

/** How closely two units go along with each other, whichever sign, from 0 to 1. */
function likeness(one, other) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [mean(one), mean(other)];
  let product = 0;
  for (let place = 0; place < one.length; place += 1) product += (one[place] - a) * (other[place] - b);
  const scale = Math.sqrt(variance(one) * variance(other)) * one.length;
  return scale > 0 ? Math.abs(product / scale) : 0;
}

export async function mount(root, { name, model, place: asked, left, moved, tell }) {
  const facts = await model.facts(name);
  const { text: about, parts, units: found } = facts;
  const count = about.symbols.length;
  const arrays = {};
  const scales = {};
  for (const part of parts) {
    arrays[part] = await model.array(name, part);
    scales[part] = (await model.array(name, `${part}_scale`)).values; // of each unit
  }
  const state = { ...facts.first, place: -1, order: "number", areas: null };
  const sizes = () => ({ layers: arrays[state.part].shape[0], units: arrays[state.part].shape[1] });
  const valuesOf = (unit) => {
    const first = (state.layer * sizes().units + unit) * count;
    return arrays[state.part].values.subarray(first, first + count);
  };
  /** What a part of the unit is at the place that is pointed at. */
  const valueOf = (part) => {
    const number = state.layer * arrays[part].shape[1] + state.unit;
    return (arrays[part].values[number * count + state.place] / 127) * scales[part][number];
  };
  const text = new ColouredText(about.symbols, point);
  const controls = document.createElement("div");
  const told = document.createElement("div");
  controls.className = "controls";
  told.className = "told";
  let searcher = null;

  function point(place) {
    state.place = place;
    tellOf();
  }

  function tellOf() {
    address();
    text.mark(state.place);
    if (state.place < 0) {
      render(html`<p>Point at a symbol: its value, its probability, and what was expected there. Select some symbols: the
        units are ordered by how well they tell them from the rest.</p>`, told);
      return;
    }
    render(
      html`<p>after it the unit is <b>${valueOf(state.part).toFixed(3)}</b></p>
        <table class="parts">${parts.map((part) => html`<tr><td>${part.replaceAll("_", " ")}</td><td>${valueOf(part).toFixed(3)}</td></tr>`)}</table>
        ${about.expected ? guessed(about, state.place) : ""}`,
      told,
    );
  }

  const address = () =>
    moved(`${state.part}:${state.layer}:${state.unit}${state.place < 0 ? "" : `@${state.place}`}`);

  function scored() {
    if (state.order === "change") return (unit) => variance(valuesOf(unit));
    if (state.order === "likeness") {
      const own = valuesOf(state.like ?? state.unit);
      return (unit) => likeness(own, valuesOf(unit));
    }
    if (state.order === "selection" && state.areas) {
      const first = state.layer * sizes().units;
      return (unit) => Math.abs(state.areas[first + unit] - 0.5);
    }
    return (unit) => -unit;
  }

  function ordered() {
    const score = scored();
    const scores = Array.from({ length: sizes().units }, (_, unit) => score(unit));
    return scores.map((_, unit) => unit).sort((a, b) => scores[b] - scores[a]);
  }

  function move(step) {
    const order = ordered();
    state.unit = order[(order.indexOf(state.unit) + step + order.length) % order.length];
    paint();
  }

  function reorder(order) {
    Object.assign(state, { order, like: state.unit });
    if (order !== "likeness") [state.unit] = ordered();
    paint();
  }

  function take(changed) {
    if (changed.part && changed.part !== state.part) {
      searcher?.terminate(); // what was found belongs to the other part
      Object.assign(state, { areas: null, order: state.order === "selection" ? "number" : state.order, like: undefined });
    }
    Object.assign(state, changed);
    const { layers, units } = sizes();
    state.layer = Math.min(state.layer, layers - 1);
    state.unit = Math.min(state.unit, units - 1);
    paint();
  }

  function search() {
    const range = text.selected();
    if (!range || range[0] === range[1] || range[1] - range[0] + 1 === count) return;
    searcher?.terminate();
    searcher = model.worker("search");
    searcher.onmessage = ({ data }) => {
      state.areas = data;
      root.dataset.searched = range.join("-");
      reorder("selection");
    };
    searcher.postMessage({ values: arrays[state.part].values, count, first: range[0], last: range[1] });
  }

  function paint() {
    const values = valuesOf(state.unit);
    const most = Math.max(1, values.reduce((a, value) => Math.max(a, Math.abs(value)), 0));
    text.paint((place) => signed(values[place] / most));
    tellOf();
    const { layers, units } = sizes();
    const choose = (field, number) => (event) => {
      const value = number ? Number(event.target.value) : event.target.value;
      if (!number || (Number.isInteger(value) && value >= 0 && value < units)) take({ [field]: value });
    };
    render(
      html`<b id="named">${state.part} ${state.layer}:${state.unit}</b>
        <select aria-label="part" .value=${state.part} @change=${choose("part", false)}>
          ${parts.map((part) => html`<option ?selected=${part === state.part}>${part}</option>`)}
        </select>
        <label>layer
          <select @change=${(event) => take({ layer: Number(event.target.value) })}>
            ${Array.from({ length: layers }, (_, layer) => html`<option ?selected=${layer === state.layer}>${layer}</option>`)}
          </select></label>
        <label>unit <input type="number" min="0" max=${units - 1} .value=${String(state.unit)} @input=${choose("unit", true)} /></label>
        <button id="previous" @click=${() => move(-1)}>‹</button><button id="next" @click=${() => move(1)}>›</button>
        <input type="range" aria-label="unit" min="0" max=${units - 1} .value=${String(state.unit)} @input=${choose("unit", true)} />
        <label>in order of
          <select @change=${(event) => reorder(event.target.value)}>
            ${["number", "change", "likeness", ...(state.areas ? ["selection"] : [])].map(
              (order) => html`<option value=${order} ?selected=${order === state.order}>${
                { likeness: "likeness to this one", selection: "telling the selected symbols" }[order] ?? order
              }</option>`,
            )}
          </select></label>`,
      controls,
    );
  }

  const match = ADDRESS.exec(asked);
  if (match && arrays[match[1]]) {
    Object.assign(state, { part: match[1], layer: Number(match[2]), unit: Number(match[3]) });
    const { layers, units } = sizes();
    if (state.layer >= layers || state.unit >= units) {
      tell(`There is no unit ${asked}: a part has ${layers} layers of ${units} units.`);
      Object.assign(state, facts.first);
    }
    if (Number(match[4]) < count) state.place = Number(match[4]);
  } else if (asked !== "") tell(`${JSON.stringify(asked)} names no unit of this page.`);

  render(
    html`<p class="quiet">${count.toLocaleString()} symbols. Green: the unit is above zero; blue: below zero; the darker,
        the further. Arrow keys change the unit.</p>
      ${controls}
      ${found.length
        ? html`<p class="quiet">${found.map(
            ({ part, layer, unit, told: said }) =>
              html`<button data-unit="${part}:${layer}:${unit}" @click=${() => take({ part, layer, unit })}>${said}</button> `,
          )}</p>`
        : ""}
      <div class="panes">${text.element}${told}</div>`,
    root,
  );
  text.element.addEventListener("mouseup", search);
  const flip = (event) => {
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return;
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  };
  document.addEventListener("keydown", flip, { signal: left });
  left.addEventListener("abort", () => searcher?.terminate());
  paint();
}
