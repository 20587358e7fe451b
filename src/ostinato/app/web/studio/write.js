// Writing: what the model expects next as you type, and a text that rewrites itself while a slider moves.
import { html, render } from "./lit-html.js";
import { ask, events } from "./api.js";
import { named, shown } from "./text.js";

const SLIDERS = [
  ["temperature", 0, 2, 0.05, 0.8],
  ["top_p", 0.05, 1, 0.05, 1],
  ["length", 50, 2000, 50, 400],
  ["seed", 1, 100, 1, 1],
];

export async function mount(root, { model, settings, keep, tell, left }) {
  const chosen = Object.fromEntries(SLIDERS.map(([name, , , , usual]) => [name, Number(settings.get(name) ?? usual)]));
  let text = settings.get("text") ?? "";
  const match = settings.get("match") ?? "";
  const more = { match, hold: settings.get("hold") ?? "", value: Number(settings.get("value") ?? 0) };
  let guesses = [];
  let written = "";
  let asking = new AbortController();
  let writing = new AbortController();
  left.addEventListener("abort", () => {
    asking.abort();
    writing.abort();
  });

  const guard = (work) => work().catch((error) => error.name === "AbortError" || tell(error.message));

  /** What may come next; an answer that another key has overtaken is dropped. */
  const expect = () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    return guard(async () => {
      const told = await ask("/v1/next", { model, text, count: 10 }, signal);
      if (signal.aborted) return;
      guesses = told.guesses;
      tell("");
      paint();
      root.dataset.next = text;
    });
  };

  const write = () => {
    writing.abort();
    writing = new AbortController();
    const { signal } = writing;
    keep({ text, ...chosen, match: more.match, hold: more.hold, value: more.hold ? more.value : "" });
    return guard(async () => {
      let whole = "";
      const { temperature, top_p, length, seed } = chosen;
      const body = { model, prompt: text, temperature, top_p, max_tokens: length, seed };
      if (more.match) body.match = more.match;
      if (more.hold) body.hold = [`${more.hold}=${more.value}`];
      for await (const { choices } of events(body, signal)) {
        if (signal.aborted) return;
        whole += choices[0].text;
        written = whole;
        paint();
      }
      root.dataset.written = JSON.stringify({ ...chosen, ...more });
    });
  };

  function type(value) {
    text = value;
    keep({ text });
    expect();
  }

  /** Take a guess, as if it had been typed. */
  function take(guess) {
    const area = root.querySelector("textarea");
    area.value = text + guess;
    area.focus();
    type(area.value);
  }

  function keyed(event) {
    if (event.key !== "Tab" || !guesses.length || event.shiftKey) return;
    event.preventDefault();
    take(guesses[0].text);
  }

  function command() {
    const quoted = `'${text.replaceAll("'", "'\\''")}'`;
    const { temperature, top_p, length, seed } = chosen;
    return `ostinato generate ${model} --prompt ${quoted} --length ${length} --seed ${seed}${
      temperature === 0 ? " --greedy" : temperature === 1 ? "" : ` --temperature ${temperature}`
    }${top_p === 1 ? "" : ` --top-p ${top_p}`}${more.match ? ` --match '${more.match}'` : ""}${more.hold ? ` --hold ${more.hold}=${more.value}` : ""}`;
  }

  function paint() {
    render(
      html`<div class="write">
        <section>
          <label>text<textarea .value=${text} @input=${(event) => type(event.target.value)} @keydown=${keyed}
            placeholder="Type: what the model expects next stands at the side; Tab takes the first."></textarea></label>
          <p><button id="write" @click=${write}>write on</button> <code>${command()}</code></p>
          <pre class="text written" aria-live="polite"><span class="given">${text}</span>${written}</pre>
        </section>
        <aside>
          <h2>next</h2>
          <div id="guesses">${guesses.map(
            ({ text: guess, probability }) => html`<button class="guess" title="take ${named(guess)}" @click=${() => take(guess)}>
              <b>${shown(guess)}</b><i .style=${`width: ${(100 * probability).toFixed(2)}%`}></i><span>${(100 * probability).toFixed(2)} %</span></button>`,
          )}</div>
          <h2>how it writes</h2>
          <div class="sliders">${SLIDERS.map(
            ([name, least, most, step]) => html`<label>${name.replace("_", "-")}
              <input type="range" name=${name} min=${least} max=${most} step=${step} .value=${String(chosen[name])}
                @input=${(event) => { chosen[name] = Number(event.target.value); write(); }} />
              <output>${chosen[name]}</output></label>`,
          )}
            <label>match<input name="match" .value=${more.match} placeholder="a regular expression"
              @change=${(event) => { more.match = event.target.value; write(); }} /></label>
          </div>
          <h2>hold a unit</h2>
          <div class="sliders">
            <label>unit<input name="hold" .value=${more.hold} placeholder="such as cell:0:14"
              @change=${(event) => { more.hold = event.target.value.trim(); write(); }} /></label>
            <label>value<input type="range" name="value" min="-2" max="2" step="0.02" .value=${String(more.value)}
              ?disabled=${!more.hold} @input=${(event) => { more.value = Number(event.target.value); write(); }} />
              <output>${more.value}</output></label>
          </div>
        </aside>
      </div>`,
      root,
    );
  }
  paint();
  await expect();
}
