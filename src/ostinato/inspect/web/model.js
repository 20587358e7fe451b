// The model behind the views. This one lies in the page; one that asks a server has the same methods.

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

export class LocalModel {
  constructor(about) {
    this.about = about;
    this.title = about.title;
    this.arrays = new Map();
  }

  /** Name, module, title and notes of each view. */
  views() {
    return this.about.views.map(({ name, module, title, notes }) => ({ name, module, title, notes }));
  }

  /** The facts of a view, by name. */
  async facts(view) {
    const own = this.about.views.find((one) => one.name === view).facts;
    return Object.fromEntries(Object.entries(own).map(([name, number]) => [name, this.about.facts[number]]));
  }

  /** An array of a view: its shape, and its values. */
  async array(view, name) {
    const key = `${view}.${name}`;
    if (!this.arrays.has(key)) this.arrays.set(key, this.unpacked(this.about.arrays[key]));
    return this.arrays.get(key);
  }

  async unpacked({ shape, type, data }) {
    const bytes = await inflated(data);
    return { shape, values: type === "int8" ? new Int8Array(bytes) : new Float32Array(bytes) };
  }

  /** A worker that runs a module by itself. */
  worker(name) {
    const address = URL.createObjectURL(new Blob([this.about.workers[name]], { type: "text/javascript" }));
    return new Worker(address);
  }
}
