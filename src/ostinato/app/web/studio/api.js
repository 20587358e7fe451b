// Requests to the server that this page came from.

/** Ask, and return the answer; an error has the server's message. */
export async function ask(path, body, signal) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
    signal,
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error.message);
  return told;
}

/** Yield the events of an answer as they come. */
export async function* events(path, body, signal) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(body),
    signal,
  });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const parts = waiting.split("\n\n");
    waiting = parts.pop();
    for (const part of parts) {
      if (part === "data: [DONE]") return;
      const told = JSON.parse(part.slice("data: ".length));
      if (told.error) throw new Error(told.error.message);
      yield told;
    }
  }
}

const PATIENCE = 200; // milliseconds

/** Does the newest of what is asked for, one at a time. What is being done may end, unless it takes long; so something is
 *  always shown while a slider moves, and what is shown in the end is the newest. */
export class Newest {
  /** @param tell Told of errors. @param left Ends everything. */
  constructor(tell, left) {
    this.tell = tell;
    this.now = null;
    left.addEventListener("abort", () => this.stop());
    this.left = left;
  }

  /** Stop; nothing waits any more. */
  stop() {
    this.waiting = null;
    this.now?.stop.abort();
  }

  /** @param work Takes a signal that says when to stop. */
  async ask(work) {
    if (this.left.aborted) return;
    if (this.now) {
      this.waiting = work;
      const { stop, since } = this.now;
      setTimeout(() => this.waiting && stop.abort(), Math.max(0, since + PATIENCE - performance.now()));
      return;
    }
    this.now = { stop: new AbortController(), since: performance.now() };
    try {
      await work(this.now.stop.signal);
    } catch (error) {
      if (error.name !== "AbortError" && !this.now.stop.signal.aborted) this.tell(error.message);
    }
    this.now = null;
    const next = this.waiting;
    this.waiting = null;
    if (next) await this.ask(next);
  }
}

/** Call a function once its caller has been quiet for a while. */
export function later(milliseconds, work) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), milliseconds);
  };
}
