// A table that can be sorted; a row with an address leads to its unit.
import { html, render } from "./vendor/lit-html.js";

const MOST = 500; // rows

export async function mount(root, { name, model, goTo, has }) {
  const { columns, rows, links, about } = await model.facts(name);
  const numbers = rows.map((_, at) => at);
  const state = { by: -1, down: true };
  const value = (at, column) => {
    const cell = rows[at][column];
    const number = Number.parseFloat(String(cell).replace("−", "-"));
    return Number.isNaN(number) ? String(cell) : number;
  };

  function sort(column) {
    state.down = state.by === column ? !state.down : true;
    state.by = column;
    const sign = state.down ? -1 : 1;
    numbers.sort((a, b) => {
      const [one, other] = [value(a, column), value(b, column)];
      return sign * (one < other ? -1 : one > other ? 1 : 0);
    });
    paint();
  }

  function paint() {
    render(
      html`<p class="quiet">${about}${rows.length > MOST ? ` The first ${MOST} of ${rows.length.toLocaleString()} rows.` : ""}</p>
        <table>
          <thead><tr>${columns.map((column, at) => html`<th><button @click=${() => sort(at)}>${column}${state.by === at ? (state.down ? " ↓" : " ↑") : ""}</button></th>`)}</tr></thead>
          <tbody>${numbers.slice(0, MOST).map((at) => html`<tr>${rows[at].map((cell, column) =>
            html`<td>${column === links?.column && has("cells") ? html`<button data-unit=${links.places[at]} @click=${() => goTo("cells", links.places[at])}>${cell}</button>` : cell}</td>`)}</tr>`)}</tbody>
        </table>`,
      root,
    );
  }
  paint();
}
