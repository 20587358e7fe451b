// Looking inside: the views of a model while it reads a text, mounted as a page of a file has them.
import { html, render } from "./lit-html.js";
import { ask } from "./api.js";
import { LocalModel } from "./model.js";

const SETS = { "guesses and cells": { guesses: 5, cells: "" }, trajectory: { trajectory: "" }, gates: { gates: true }, saliency: { saliency: true } };
const OTHERS = { "attention and guesses": { attention: true, guesses: 5 }, biases: { memory: true }, cells: { cells: "" } };

export async function mount(root, { model, settings, keep, tell, left }) {
  const every = { ...SETS, ...OTHERS };
  let text = settings.get("text") ?? "";
  let set = settings.get("views") ?? "guesses and cells";
  let shown = new AbortController();
  left.addEventListener("abort", () => shown.abort());
  const place = document.createElement("div");

  async function look() {
    keep({ text, views: set });
    try {
      const told = await ask("/v1/inspect", { model, text: text === "" ? null : text, views: every[set] }, left);
      tell(told.notes.join(" "));
      await views(new LocalModel(told.page));
    } catch (error) {
      if (error.name !== "AbortError") tell(error.message);
    }
  }

  async function views(local) {
    const all = local.views();
    const own = document.createElement("div");
    const tabs = document.createElement("nav");
    tabs.id = "tabs";
    place.replaceChildren(tabs, own);
    const show = async (name, to) => {
      shown.abort();
      shown = new AbortController();
      const view = all.find((one) => one.name === name) ?? all[0];
      render(
        all.map((one) => html`<a href="#" class=${one === view ? "shown" : ""} @click=${(event) => { event.preventDefault(); show(one.name, ""); }}>${one.title}</a>`),
        tabs,
      );
      const element = document.createElement("div");
      own.replaceChildren(element);
      const module = await import(`./${view.module}.js`);
      const notes = document.createElement("div");
      await module.mount(element, {
        name: view.name, model: served(local), place: to, left: shown.signal, moved: () => {}, tell, goTo: show,
        has: (other) => all.some((one) => one.name === other),
      });
      render(view.notes.map((note) => html`<p class="quiet">${note}</p>`), notes);
      element.append(notes);
      root.dataset.view = view.name;
    };
    await show(all[0].name, "");
  }

  /** Workers are modules of the server here. */
  const served = (local) => {
    local.worker = (name) => new Worker(`/static/${name}.js`);
    return local;
  };

  render(
    html`<p class="quiet">A text; without one the beginning of what the run held out is looked at.</p>
      <textarea aria-label="text" .value=${text} @input=${(event) => { text = event.target.value; }}></textarea>
      <p><label>views <select @change=${(event) => { set = event.target.value; look(); }}>
          ${Object.keys(every).map((one) => html`<option ?selected=${one === set}>${one}</option>`)}</select></label>
        <button id="look" @click=${look}>look</button></p>
      ${place}`,
    root,
  );
  await look();
}
