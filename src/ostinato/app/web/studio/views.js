// The views of looking inside, as the server answers them, mounted as a page of a file has them.
import { html, render } from "./lit-html.js";
import { LocalModel } from "./model.js";

/** Workers are modules of the server here. */
function served(data) {
  const local = new LocalModel(data);
  local.worker = (name) => new Worker(`/static/${name}.js`);
  return local;
}

export class Views {
  /** @param tell Told of what a person has to know. @param moved Called with a view and what is looked at in it. */
  constructor({ tell, left, moved = () => {} }) {
    this.tell = tell;
    this.moved = moved;
    this.shown = new AbortController();
    left.addEventListener("abort", () => this.shown.abort());
    this.tabs = document.createElement("nav");
    this.tabs.className = "tabs";
    this.own = document.createElement("div");
    this.element = document.createElement("div");
    this.element.append(this.tabs, this.own);
    this.at = { name: "", place: "" };
  }

  /** Show nothing: what was shown belongs to something else. */
  clear() {
    this.shown.abort();
    this.own.replaceChildren();
    render("", this.tabs);
    delete this.element.dataset.view;
  }

  /** Show the data of a page; the view that was looked at stays, and its place. */
  async take(data) {
    this.local = served(data);
    this.all = this.local.views();
    const same = this.all.some(({ name }) => name === this.at.name);
    await this.show(same ? this.at.name : this.all[0].name, same ? this.at.place : "");
  }

  async show(name, place = "") {
    this.shown.abort();
    this.shown = new AbortController();
    const { signal } = this.shown;
    const view = this.all.find((one) => one.name === name) ?? this.all[0];
    this.at = { name: view.name, place };
    const element = document.createElement("div");
    const module = await import(`./${view.module}.js`);
    if (signal.aborted) return;
    await module.mount(element, {
      name: view.name, model: this.local, place, left: signal, tell: this.tell, goTo: (...to) => this.show(...to),
      moved: (to) => {
        this.at.place = String(to);
        this.moved(view.name, String(to));
      },
      has: (other) => this.all.some((one) => one.name === other),
    });
    if (signal.aborted) return;
    const notes = document.createElement("div");
    render(view.notes.map((note) => html`<p class="quiet">${note}</p>`), notes);
    element.append(notes);
    this.own.replaceChildren(element);
    render(
      this.all.length < 2 ? "" : this.all.map((one) => html`<a href="#" class=${one === view ? "shown" : ""}
        @click=${(event) => { event.preventDefault(); this.show(one.name); }}>${one.title}</a>`),
      this.tabs,
    );
    this.element.dataset.view = view.name;
  }
}
