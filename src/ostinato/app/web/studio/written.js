// What a model wrote after a text. While it grows it is plain text; when it is whole, its words can be chosen.

const WORD = /\s*[^\s]+|\s+$/g;

export class Written {
  /** @param chosen Called with where a word begins, and the word. */
  constructor(chosen) {
    this.chosen = chosen;
    this.element = document.createElement("pre");
    this.element.className = "text written";
    this.given = document.createElement("span");
    this.given.className = "given";
    this.rest = document.createElement("span");
    this.element.append(this.given, this.rest);
    this.text = "";
    this.frame = 0;
    this.element.addEventListener("click", ({ target }) => this.choose(target));
    this.element.addEventListener("keydown", (event) => this.keyed(event));
  }

  choose(word) {
    if (word.dataset.start) this.chosen(Number(word.dataset.start), word.textContent);
  }

  /** One word can be reached by Tab, the others from it by the arrow keys. */
  keyed(event) {
    const { key, target } = event;
    if (key === "Enter") this.choose(target);
    const next = { ArrowRight: target.nextElementSibling, ArrowLeft: target.previousElementSibling }[key];
    if (!next?.dataset.start) return;
    event.preventDefault();
    next.focus();
  }

  /** Show a text that grows; it is painted with the next frame. */
  grow(given, text) {
    this.given.textContent = given;
    this.text = text;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.rest.textContent = this.text;
    });
  }

  /** Show a whole text, and mark the word that begins at a place. */
  end(given, text, marked = -1) {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.given.textContent = given;
    this.text = text;
    const reached = Math.max(0, marked);
    const words = Array.from(text.matchAll(WORD), ({ 0: word, index }) => {
      const span = document.createElement("span");
      span.className = index === marked ? "word marked" : "word";
      span.textContent = word;
      span.dataset.start = index;
      span.tabIndex = index === reached ? 0 : -1;
      span.setAttribute("role", "button");
      return span;
    });
    this.rest.replaceChildren(...words);
  }
}
