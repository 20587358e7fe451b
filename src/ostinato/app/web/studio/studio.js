// The studio: choose a model, and a room to be with it in. The address has the model, the room, and all settings.
import { html, render } from "./lit-html.js";
import { ask } from "./api.js";
import { S } from "./strings.js";

const WATCHED = 4000; // milliseconds between two looks at which models there are
const byId = (name) => document.getElementById(name);
let left = new AbortController();

/** Say something that a person has to know. */
export function tell(text) {
  byId("notice").textContent = text;
}

/** Say why a link does not show what it showed. */
function linked(text) {
  byId("linked").textContent = text;
}

const asked = () => new URLSearchParams(location.hash.slice(1));

/** Put settings into the address, so that a link shows the same. */
function keep(settings) {
  const kept = asked();
  for (const [name, value] of Object.entries(settings)) {
    if (value === "" || value === null || value === undefined) kept.delete(name);
    else kept.set(name, String(value));
  }
  history.replaceState(null, "", `#${kept}`);
}

async function rooms() {
  const names = await ask("/rooms");
  const modules = await Promise.all(names.map((name) => import(`./${name}`)));
  return modules.sort((one, other) => one.room.order - other.room.order);
}

class Studio {
  constructor(all, models) {
    this.all = all;
    this.models = models;
  }

  /** Show what the address names. */
  async show() {
    const settings = asked();
    const wanted = settings.get("model");
    tell("");
    linked("");
    if (wanted && !this.models.some(({ id }) => id === wanted)) linked(S.noModel(wanted));
    const { id } = this.models.find((one) => one.id === wanted) ?? this.models[0];
    left.abort();
    left = new AbortController();
    const { signal } = left;
    delete document.body.dataset.ready;
    const model = await ask(`/v1/models/${encodeURIComponent(id)}`, null, signal);
    if (signal.aborted) return;
    const own = this.all.filter(({ room }) => room.fits(model));
    const chosen = own.find(({ room }) => room.name === settings.get("room")) ?? own[0];
    if (settings.get("room") && chosen?.room.name !== settings.get("room")) linked(S.noRoom(settings.get("room")));
    if (settings.get("digest") && settings.get("digest") !== model.digest) linked(S.otherWeights(id));
    this.head(model, own, chosen);
    const root = document.createElement("div");
    byId("room").replaceChildren(root);
    document.title = `${id} – ostinato`;
    if (!chosen) {
      render(html`<p>${S.nothingHere}</p>`, root);
      return;
    }
    const known = new Set(["model", "room", "digest", ...chosen.room.settings]);
    const unknown = [...settings.keys()].find((name) => !known.has(name));
    if (unknown && settings.get("room") === chosen.room.name) linked(S.unknownSetting(unknown));
    const keepAll = (given) => keep({ model: id, room: chosen.room.name, digest: model.digest, ...given });
    const intact = byId("linked").textContent === ""; // what a link showed can be shown again
    await chosen.mount(root, { model, models: this.models, settings, keep: keepAll, tell, left: signal, intact });
    if (!signal.aborted) document.body.dataset.ready = chosen.room.name;
  }

  goTo = (settings) => {
    history.pushState(null, "", `#${new URLSearchParams(settings)}`);
    return this.shown();
  };

  /** Show what the address names, and tell what goes wrong. */
  shown = () => this.show().catch((error) => error.name === "AbortError" || tell(error.message));

  head(model, own, chosen) {
    render(
      this.models.map(({ id, recipe }) => html`<option value=${id} .selected=${id === model.id}>${id} (${recipe})</option>`),
      byId("model"),
    );
    byId("about").textContent = `${model.symbols}, ${model.parameters.toLocaleString("en")} ${S.parameters}`;
    render(
      own.map((one) => html`<a href="#" class=${one === chosen ? "shown" : ""} aria-current=${one === chosen ? "page" : "false"}
        @click=${(event) => {
          event.preventDefault();
          const text = asked().get("text"); // which goes along from room to room
          this.goTo({ model: model.id, room: one.room.name, ...(text ? { text } : {}) });
        }}>${one.room.title}</a>`),
      byId("rooms"),
    );
  }

  /** Take note of models that have come or gone. */
  async watch() {
    const { data } = await ask("/v1/models");
    if (JSON.stringify(data.map(({ id }) => id)) === JSON.stringify(this.models.map(({ id }) => id))) return;
    this.models = data;
    const shown = byId("model").value;
    render(
      data.map(({ id, recipe }) => html`<option value=${id} .selected=${id === shown}>${id} (${recipe})</option>`),
      byId("model"),
    );
  }
}

async function begin() {
  byId("modelled").textContent = S.model;
  byId("rooms").setAttribute("aria-label", S.rooms);
  const [all, { data: models }] = await Promise.all([rooms(), ask("/v1/models")]);
  const studio = new Studio(all, models);
  byId("model").addEventListener("change", (event) => studio.goTo({ model: event.target.value, room: asked().get("room") ?? "" }));
  window.addEventListener("popstate", studio.shown); // links, and going back
  setInterval(() => document.hidden || studio.watch().catch(() => {}), WATCHED);
  await studio.show();
}

begin().catch((error) => error.name === "AbortError" || tell(error.message));
