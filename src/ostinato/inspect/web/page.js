// The page: a tab for every view. Its address names the view and what is looked at in it: #cells/cell:0:88@12.
import { html, render } from "./vendor/lit-html.js";
import { LocalModel } from "./model.js";

/** Show views, by the names of their modules, in the page. */
export async function begin(modules) {
  const model = new LocalModel(JSON.parse(document.getElementById("data").textContent));
  const views = model.views();
  const root = document.getElementById("view");
  let shown = "";

  const tabs = () =>
    render(
      views.length < 2
        ? html``
        : html`${views.map(({ name, title }) => html`<a href="#${name}" class=${name === shown ? "shown" : ""}>${title}</a>`)}`,
      document.getElementById("tabs"),
    );

  async function show() {
    const [asked, rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    const view = views.find((one) => one.name === asked) ?? views[0];
    if (asked && view.name !== asked) tell(`This page has no view ${JSON.stringify(asked)}.`);
    if (view.name === shown) return;
    shown = view.name;
    tabs();
    const own = document.createElement("div");
    root.replaceChildren(own);
    const moved = (place) => {
      if (shown !== view.name) return;
      try {
        history.replaceState(null, "", `#${view.name}/${place}`);
      } catch {
        // A frame in a notebook has no address of its own.
      }
    };
    await modules[view.module].mount(own, {
      name: view.name,
      model,
      place: view.name === asked ? (rest ?? "") : "",
      moved,
      tell,
      goTo: (name, place) => {
        shown = "";
        location.hash = `${name}/${place}`;
      },
      has: (name) => views.some((one) => one.name === name),
    });
    render(view.notes.map((note) => html`<p class="quiet">${note}</p>`), document.getElementById("notes"));
    document.body.dataset.ready = view.name;
  }

  window.addEventListener("hashchange", show);
  await show();
}

/** Say something that a person has to know. */
export function tell(text) {
  document.getElementById("notice").textContent = text;
}
