// The studio: choose a model, and a room to be with it in. The address has the model, the room, and all settings.
import { html, render } from "./lit-html.js";
import { ask } from "./api.js";
import * as inside from "./inside.js";
import * as write from "./write.js";

const ROOMS = { write: { verb: "generate", title: "Write", room: write }, inside: { verb: "inspect", title: "Inside", room: inside } };
const byId = (name) => document.getElementById(name);
let left = new AbortController();

export function tell(text) {
  byId("notice").textContent = text;
}

function asked() {
  return new URLSearchParams(location.hash.slice(1));
}

/** Put settings into the address, so that a link shows the same. */
function keep(settings) {
  const kept = asked();
  for (const [name, value] of Object.entries(settings)) {
    if (value === "" || value === null || value === undefined) kept.delete(name);
    else kept.set(name, String(value));
  }
  history.replaceState(null, "", `#${kept}`);
}

async function show(models) {
  const settings = asked();
  const model = models.find(({ id }) => id === settings.get("model")) ?? models[0];
  const rooms = Object.entries(ROOMS).filter(([, { verb }]) => model.verbs.includes(verb));
  const [name, { room }] = rooms.find(([one]) => one === settings.get("room")) ?? rooms[0];
  if (settings.get("model") && model.id !== settings.get("model")) tell(`There is no model ${JSON.stringify(settings.get("model"))} here.`);
  left.abort();
  left = new AbortController();
  render(models.map(({ id, recipe }) => html`<option value=${id} ?selected=${id === model.id}>${id} (${recipe})</option>`), byId("model"));
  render(
    rooms.map(([one, { title }]) => html`<a href="#" class=${one === name ? "shown" : ""} @click=${(event) => {
      event.preventDefault();
      keep({ room: one });
      show(models);
    }}>${title}</a>`),
    byId("rooms"),
  );
  const root = document.createElement("div");
  byId("room").replaceChildren(root);
  document.title = `${model.id} – ostinato`;
  await room.mount(root, { model: model.id, settings, keep, tell, left: left.signal });
  document.body.dataset.ready = name;
}

async function begin() {
  const { data: models } = await ask("/v1/models");
  byId("model").addEventListener("change", (event) => {
    history.replaceState(null, "", `#${new URLSearchParams({ model: event.target.value, room: asked().get("room") ?? "write" })}`);
    show(models);
  });
  window.addEventListener("hashchange", () => show(models));
  await show(models);
}

begin().catch((error) => tell(error.message));
