// A text whose symbols have colours, and can be pointed at.

const GREEN = [47, 158, 68];
const BLUE = [74, 144, 217];
const RED = [214, 73, 51];

/** A symbol as it is shown. */
export function shown(symbol) {
  if (symbol === "") return "\u2205";
  return symbol.replaceAll("\n", "\u23ce\n").replaceAll("\t", "\u2192\t");
}

/** A symbol as it is named in a sentence. */
export function named(symbol) {
  return JSON.stringify(symbol);
}

/** The fullest colour is weaker where letters are light, so that they can be read on it. */
const dark = matchMedia("(prefers-color-scheme: dark)");

function filled([red, green, blue], share) {
  const most = dark.matches ? 0.6 : 0.85;
  return `rgba(${red}, ${green}, ${blue}, ${(most * Math.min(1, Math.abs(share))).toFixed(3)})`;
}

/** From -1, blue, to 1, green. */
export function signed(share) {
  return filled(share > 0 ? GREEN : BLUE, share);
}

/** From 0 to 1, red. */
export function heat(share) {
  return filled(RED, Math.max(0, share));
}

export class ColouredText {
  /** @param pointed Called with the place that is pointed at. */
  constructor(symbols, pointed) {
    this.element = document.createElement("pre");
    this.element.className = "text";
    this.spans = symbols.map((symbol, place) => {
      const span = document.createElement("span");
      span.textContent = shown(symbol);
      span.tabIndex = -1;
      span.dataset.place = String(place);
      return span;
    });
    this.element.append(...this.spans);
    const point = (event) => {
      if (event.target.dataset.place) pointed(Number(event.target.dataset.place));
    };
    this.element.addEventListener("mouseover", point);
    this.element.addEventListener("focusin", point);
  }

  /** Give every symbol the colour of its place. */
  paint(colourOf) {
    this.spans.forEach((span, place) => {
      span.style.backgroundColor = colourOf(place);
    });
  }

  mark(place) {
    this.element.querySelector(".marked")?.classList.remove("marked");
    this.spans[place]?.classList.add("marked");
  }

  /** First and last place of what is selected; nothing where no two symbols are. */
  selected() {
    const range = document.getSelection();
    if (!range.rangeCount || range.isCollapsed) return null;
    const places = [range.anchorNode, range.focusNode].map((node) => Number(node.parentElement?.dataset?.place));
    if (places.some((place) => !Number.isInteger(place))) return null;
    return [Math.min(...places), Math.max(...places)];
  }
}
