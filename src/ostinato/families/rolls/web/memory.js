// The biases that the past gives each note, frame by frame, beside the notes that sound.
import { html, render } from "./lit-html.js";
import { matrix, squareAt } from "./matrix.js";

export async function mount(root, { name, model, place, moved }) {
  const { notes, sounding } = await model.facts(name); // names from the highest to the lowest; numbers of rows
  const { values } = await model.array(name, "biases"); // [N, T]
  const count = sounding.length;
  const bias = (row, frame) => values[row * count + frame];
  const share = (row, frame) => 1 / (1 + Math.exp(-bias(row, frame)));
  const sounds = sounding.map((rows) => new Set(rows));
  const side = Math.max(4, Math.min(14, Math.floor(1100 / count)));
  // Blue: expected by the past; green: it sounds and was expected; orange: it sounds and was not.
  const colour = (row, frame) => {
    const p = share(row, frame);
    if (!sounds[frame].has(row)) return [74, 144, 217, p];
    return p > 0.5 ? [47, 158, 68, 1] : [210, 98, 42, 1];
  };
  const canvas = matrix(notes.length, count, (row, frame) => [row, frame], ([row, frame]) => colour(row, frame), side);
  const told = document.createElement("p");

  function point(row, frame) {
    moved(`${row},${frame}`);
    render(
      html`<b>${notes[row]}</b> in frame ${frame + 1}: bias ${bias(row, frame).toFixed(2)}, by itself a probability of
        ${(100 * share(row, frame)).toFixed(1)} %${sounds[frame].has(row) ? "; it sounds" : ""}`,
      told,
    );
  }
  canvas.addEventListener("mousemove", (event) => point(...squareAt(canvas, event)));
  render(
    html`<p class="quiet">A row for each note, the highest on top; a column for each frame. Blue: the past leads to expect it;
        green: it sounds, and was expected by more than a half; orange: it sounds, and was not.</p>
      ${told}${canvas}`,
    root,
  );
  const [row, frame] = place.split(",").map(Number);
  if (row < notes.length && frame < count) point(row, frame);
  else render(html`Point at a square.`, told);
}
