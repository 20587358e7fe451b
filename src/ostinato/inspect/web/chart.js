// Charts as SVG: axes, dots and lines.
import { html, svg } from "./lit-html.js";

const EDGE = 44;

export class Chart {
  /** @param x Smallest and largest number along the x axis. @param y The same of the y axis.
   *  @param ends What stands at the ends of the x axis, where that is something else. */
  constructor({ width = 380, height = 300, x, y, names, ends = x }) {
    Object.assign(this, { width, height, x, y, names, ends });
  }

  across(value) {
    return EDGE + ((value - this.x[0]) / (this.x[1] - this.x[0] || 1)) * (this.width - EDGE - 10);
  }

  up(value) {
    return this.height - EDGE + 8 - ((value - this.y[0]) / (this.y[1] - this.y[0] || 1)) * (this.height - EDGE - 8);
  }

  /** The chart with what is drawn in it. */
  drawn(title, content) {
    const [left, bottom] = [this.across(this.x[0]), this.up(this.y[0])];
    const [right, top] = [this.across(this.x[1]), this.up(this.y[1])];
    const number = (value) => (Number.isInteger(value) ? value.toLocaleString() : Number(value.toPrecision(3)));
    return html`<figure>
      <figcaption>${title}</figcaption>
      <svg viewBox="0 0 ${this.width} ${this.height}" role="img" aria-label=${title}>
        ${svg`<path class="axis" d="M${left} ${top}V${bottom}H${right}" />
          <text x=${left} y=${bottom + 16}>${number(this.ends[0])}</text>
          <text x=${right} y=${bottom + 16} class="end">${number(this.ends[1])}</text>
          <text x=${(left + right) / 2} y=${bottom + 32} class="middle">${this.names[0]}</text>
          <text x=${left - 5} y=${bottom} class="end">${number(this.y[0])}</text>
          <text x=${left - 5} y=${top + 10} class="end">${number(this.y[1])}</text>
          <text x="12" y=${(top + bottom) / 2} class="middle" transform="rotate(-90 12 ${(top + bottom) / 2})">${this.names[1]}</text>
          ${content}`}
      </svg>
    </figure>`;
  }
}
