// The way of the state over a text, in the plane in which it moves most.
import { html, render, svg } from "./lit-html.js";
import { Chart } from "./chart.js";
import { ColouredText, heat, named } from "./text.js";

const TAIL = 15; // symbols whose way is drawn

export async function mount(root, { name, model, place, moved }) {
  const { symbols, explained, of } = await model.facts(name);
  const points = await model.array(name, "points"); // [T + 1, 3 or fewer]
  const count = symbols.length;
  const axes = points.shape[1]; // few, where there are few symbols or units
  const at = (step, axis) => (axis < axes ? points.values[axes * step + axis] : 0);
  const along = (axis) => {
    const values = Array.from({ length: count + 1 }, (_, step) => at(step, axis));
    return [Math.min(...values), Math.max(...values)];
  };
  const share = (axis) => axis >= axes ? "" : `component ${axis + 1}: ${(100 * explained[axis]).toFixed(1)} % of the variance`;
  const chart = new Chart({ width: 560, height: 440, x: along(0), y: along(1), names: [share(0), share(1)] });
  const state = { step: Math.min(count, Number(place) || count), timer: 0 };
  const text = new ColouredText(symbols, (symbol) => go(symbol + 1));
  const drawn = document.createElement("div");
  const colour = (step) => `hsl(${Math.round((300 * step) / count)} 60% 45%)`;

  function go(step) {
    state.step = step;
    moved(step);
    paint();
  }

  function play() {
    if (state.timer) {
      clearInterval(state.timer);
      state.timer = 0;
    } else {
      if (state.step >= count) state.step = 0;
      state.timer = setInterval(() => {
        if (!root.isConnected || state.step >= count) {
          clearInterval(state.timer);
          state.timer = 0;
          paint();
        } else go(state.step + 1);
      }, 90);
    }
    paint();
  }

  function paint() {
    const first = Math.max(0, state.step - TAIL);
    const way = Array.from({ length: state.step - first + 1 }, (_, n) => first + n);
    text.paint((symbol) => (symbol + 1 > first && symbol < state.step ? heat(0.15 + (0.6 * (symbol + 1 - first)) / TAIL) : "transparent"));
    text.mark(state.step - 1);
    render(
      html`<div class="controls">
          <button id="play" @click=${play}>${state.timer ? "pause" : "play"}</button>
          <input type="range" aria-label="symbol" min="0" max=${count} .value=${String(state.step)}
            @input=${(event) => go(Number(event.target.value))} />
          <span>${state.step ? html`after <b>${named(symbols[state.step - 1])}</b>, symbol ${state.step}` : "before the first symbol"}</span>
        </div>
        ${chart.drawn(
          `${of}, ${axes} components explain ${(100 * explained.reduce((sum, one) => sum + one, 0)).toFixed(1)} %`,
          svg`${Array.from({ length: count + 1 }, (_, step) => svg`<circle class="faint" r="2.5" fill=${colour(step)}
              cx=${chart.across(at(step, 0))} cy=${chart.up(at(step, 1))} @mouseover=${() => go(step)} />`)}
            <polyline class="way" points=${way.map((step) => `${chart.across(at(step, 0))},${chart.up(at(step, 1))}`).join(" ")} />
            <circle r="6" class="now" cx=${chart.across(at(state.step, 0))} cy=${chart.up(at(state.step, 1))} />`,
        )}`,
      drawn,
    );
    root.dataset.step = String(state.step);
  }
  render(
    html`<p class="quiet">Each dot is the state after a symbol, from red, the first, to violet, the last. The line is the way of the last ${TAIL}.</p>
      <div class="halves">${drawn}${text.element}</div>`,
    root,
  );
  paint();
}
