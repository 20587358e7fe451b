// A beam search as a tree: beginnings compete, most of them lose; any of them can be gone on from.
import { html, render } from "./lit-html.js";
import { Newest, events } from "./api.js";
import { S } from "./strings.js";

/** A part of a text, with spaces at its ends that can be seen. */
function edged(text) {
  return text.replaceAll("\n", "⏎").replace(/^ /, "␣").replace(/ $/, "␣");
}

/** A tree of beginnings that were seen: a node for every text. */
export class BeamTree {
  /** @param prompt The text after which they stand. */
  constructor(prompt) {
    this.prompt = prompt;
    this.nodes = new Map([["", { text: "", score: 0, children: [] }]]);
    this.live = [];
    this.best = [];
  }

  /** Take the beginnings of a step. */
  step(live) {
    for (const [text, score] of live) this.add(text, score);
    this.live = live.map(([text]) => text);
  }

  /** Take the texts that have won. */
  end(best) {
    for (const { text, log_prob } of best) this.add(text, log_prob);
    this.best = best;
    this.live = [];
  }

  add(text, score) {
    const known = this.nodes.get(text);
    if (known) {
      known.score = score;
      return;
    }
    let before = text.slice(0, -1);
    while (!this.nodes.has(before)) before = before.slice(0, -1); // symbols may be longer than a character
    const node = { text, score, children: [] };
    this.nodes.get(before).children.push(node);
    this.nodes.set(text, node);
  }

  /** Runs of nodes without a fork, as a tree: the text of each, its end, and the runs after it. */
  runs(node = this.nodes.get(""), from = "") {
    let last = node;
    while (last.children.length === 1) [last] = last.children;
    return {
      text: last.text.slice(from.length), whole: last.text, score: last.score,
      after: last.children.map((child) => this.runs(child, last.text)),
    };
  }

  isAlive(whole) {
    const goals = this.best.length ? this.best.map(({ text }) => text) : this.live;
    return goals.some((text) => text.startsWith(whole));
  }
}

export class Beams {
  /** @param take Takes the text that is gone on from. @param asked Called when the search is to be followed. */
  constructor({ model, tell, left }, take, asked) {
    this.model = model.id;
    this.take = take;
    this.asked = asked;
    this.width = 5;
    this.tree = null;
    this.element = document.createElement("section");
    this.newest = new Newest(tell, left);
    this.paint();
  }

  /** @param settings Settings of writing, of which the pattern and what is held count. */
  follow(prompt, settings) {
    return this.newest.ask(async (signal) => {
      const tree = new BeamTree(prompt);
      const { match } = settings.rules();
      const body = { model: this.model, prompt, beam: this.width, max_tokens: 60, ...settings.held(), ...(match ? { match } : {}) };
      for await (const { steps, best } of events("/v1/beams", body, signal)) {
        for (const live of steps ?? []) tree.step(live);
        if (best) tree.end(best);
        this.tree = tree;
        this.paint();
      }
      this.element.dataset.followed = prompt;
    });
  }

  clear() {
    if (!this.tree) return;
    this.newest.stop();
    this.tree = null;
    this.paint();
  }

  paint() {
    const run = (one) => {
      const alive = this.tree.isAlive(one.whole);
      const rank = this.tree.best.findIndex(({ text }) => text === one.whole);
      return html`<li>${one.text
          ? html`<button class=${alive ? "alive" : "dead"} data-whole=${one.whole} data-score=${one.score}
              @click=${() => this.take(this.tree.prompt + one.whole)}>${edged(one.text)}</button>
              ${one.after.length && rank < 0 ? "" : html`<small>${rank < 0 ? "" : `${S.wins(rank + 1)} `}${S.nats(one.score.toFixed(2))}</small>`}`
          : ""}
        ${one.after.length ? html`<ul>${one.after.map(run)}</ul>` : ""}</li>`;
    };
    render(
      html`<details><summary>${S.beams}</summary>
        <p class="quiet">${S.beamsHere}</p>
        <p><label>${S.width} <input type="number" name="width" min="1" max="16" .value=${String(this.width)}
            @change=${(event) => { this.width = Math.min(16, Math.max(1, Number(event.target.value) || 1)); }} /></label>
          <button id="follow" @click=${() => this.asked()}>${S.follow}</button></p>
        ${this.tree ? html`<ul class="beams">${run(this.tree.runs())}</ul>` : ""}</details>`,
      this.element,
    );
  }
}
