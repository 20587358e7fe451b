// A table that can be sorted; a row with an address leads to its unit.
import { html, render } from "./lit-html.js";

const MOST = 500; // rows

export async function mount(root, { name, model, goTo, has }) {
  const { columns, rows, links, about } = await model.facts(name);
  const numbers = rows.map((_, at) => at);
  const state = { by: -1, down: true };
  const UNIT = /^(\w*?):?(\d+):(\d+)$/;
  const NUMBER = /^[-+]?[\d.,]+(?:e[-+]?\d+)?%?$/;
  const kinds = columns.map((_, column) => {
    const cells = rows.map((row) => row[column]).filter((cell) => cell !== "–");
    return cells.every((cell) => UNIT.test(cell)) ? "unit" : cells.every((cell) => NUMBER.test(cell)) ? "number" : "text";
  });

  /** What a cell is sorted by; nothing for a dash, which comes last either way. */
  function value(at, column) {
    const cell = rows[at][column];
    if (cell === "–") return null;
    if (kinds[column] === "number") return Number.parseFloat(cell.replaceAll(",", ""));
    if (kinds[column] === "text") return cell;
    const [, part, layer, unit] = UNIT.exec(cell);
    return `${part}:${layer.padStart(4, "0")}:${unit.padStart(6, "0")}`;
  }

  function sort(column) {
    state.down = state.by === column ? !state.down : true;
    state.by = column;
    const sign = state.down ? -1 : 1;
    numbers.sort((a, b) => {
      const [one, other] = [value(a, column), value(b, column)];
      if (one === null || other === null) return (one === null) - (other === null);
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
