// The page: a tab for every view. Its address names the view and what is looked at in it: #cells/cell:0:88@12.
import { html, render } from "./lit-html.js";
import { LocalModel } from "./model.js";

/** Show views, by the names of their modules, in the page. */
export async function begin(modules) {
  const model = new LocalModel(JSON.parse(document.getElementById("data").textContent));
  const views = model.views();
  const root = document.getElementById("view");
  let shown = { name: "", left: new AbortController() };

  const tabs = () =>
    render(
      views.length < 2
        ? html``
        : html`${views.map(
            ({ name, title }) =>
              html`<a href="#${name}" class=${name === shown.name ? "shown" : ""} @click=${(event) => {
                event.preventDefault(); // in a notebook the address of the page is not that of the frame
                show(name, "");
              }}>${title}</a>`,
          )}`,
      document.getElementById("tabs"),
    );

  /** Show a view; `place` is what is looked at in it. */
  async function show(asked, place) {
    const view = views.find((one) => one.name === asked) ?? views[0];
    tell(asked && view.name !== asked ? `This page has no view ${JSON.stringify(asked)}.` : "");
    shown.left.abort();
    const own = { name: view.name, left: new AbortController() };
    shown = own;
    address(`#${view.name}${place ? `/${place}` : ""}`);
    tabs();
    const element = document.createElement("div");
    root.replaceChildren(element);
    await modules[view.module].mount(element, {
      name: view.name,
      model,
      place: view.name === asked ? place : "",
      left: own.left.signal,
      moved: (to) => shown === own && address(`#${view.name}/${to}`),
      tell: (text) => shown === own && tell(text),
      goTo: show,
      has: (name) => views.some((one) => one.name === name),
    });
    if (shown !== own) return;
    render(view.notes.map((note) => html`<p class="quiet">${note}</p>`), document.getElementById("notes"));
    document.body.dataset.ready = view.name;
  }

  const byAddress = () => {
    const [asked, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    return show(asked, rest.join("/"));
  };
  window.addEventListener("hashchange", byAddress);
  await byAddress();
}

function address(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    // A frame in a notebook has no address of its own.
  }
}

/** Say something that a person has to know. */
export function tell(text) {
  document.getElementById("notice").textContent = text;
}
