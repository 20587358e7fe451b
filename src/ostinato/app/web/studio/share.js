// Buttons that copy what is shown: as a command, as Python, and as a link that shows it again.
import { html } from "./lit-html.js";
import { S } from "./strings.js";

/** A text as a shell takes it. */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${String(text).replaceAll("'", "'\\''")}'`;
}

/** A text as an argument without a name, the last one of a command. */
export function argument(text) {
  return text === "" ? "" : ` ${text.startsWith("-") ? "-- " : ""}${quoted(text)}`;
}

async function copy(event, text) {
  await navigator.clipboard.writeText(text);
  const button = event.target;
  const before = button.textContent;
  button.textContent = S.copied;
  setTimeout(() => (button.textContent = before), 1200);
}

/** Options as a command and as Python have them; those that are empty are left out.
 *  @param options [name, value] of each; true stands for an option without a value, an array for a repeated one. */
export function options(given) {
  const kept = given.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  const flag = (name) => `--${name.replaceAll("_", "-")}`;
  const one = (name, value) => (String(value).startsWith("-") ? ` ${flag(name)}=${quoted(value)}` : ` ${flag(name)} ${quoted(value)}`);
  const typed = ([name, value]) => (value === true ? ` ${flag(name)}` : [value].flat().map((part) => one(name, part)).join(""));
  const python = (value) => (value === true ? "True" : JSON.stringify(value));
  return {
    command: kept.map(typed).join(""),
    python: kept.map(([name, value]) => `, ${name}=${python(value)}`).join(""),
  };
}

/** The three buttons. @param command A command. @param python Python, or nothing. */
export function sharing(command, python) {
  return html`<p class="share"><code id="command">${command}</code>
    <button @click=${(event) => copy(event, command)}>${S.copyCommand}</button>
    ${python ? html`<button id="python" data-python=${python} @click=${(event) => copy(event, python)}>${S.copyPython}</button>` : ""}
    <button @click=${(event) => copy(event, location.href)}>${S.copyLink}</button></p>`;
}
