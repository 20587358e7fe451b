// Plays the notes of the page by Web Audio, and marks the one that sounds. Every note: [start, length, MIDI number, id];
// times in whole notes.
"use strict";
const tune = JSON.parse(document.getElementById("tune").textContent);
const button = document.getElementById("play"), slider = document.getElementById("tempo");
const AHEAD = 0.15, EVERY = 40; // seconds that are scheduled ahead, milliseconds between looks
let audio = null, next = 0, begun = 0, from = 0, timer = null, frame = null, marked = [];

const seconds = () => 60 / (slider.value * tune.beat); // of a whole note

function wave() {
  const size = 13, real = new Float32Array(size), imaginary = new Float32Array(size);
  for (let n = 1; n < size; n++) imaginary[n] = 1 / n ** 1.6;
  return audio.createPeriodicWave(real, imaginary);
}

function sound(note, at) {
  const length = note[1] * seconds(), tone = audio.createOscillator(), loudness = audio.createGain();
  tone.setPeriodicWave(audio.wave);
  tone.frequency.value = 440 * 2 ** ((note[2] - 69) / 12);
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.3, at + 0.006);
  loudness.gain.exponentialRampToValueAtTime(0.02, at + Math.max(0.05, length * 0.95));
  loudness.gain.linearRampToValueAtTime(0, at + length + 0.02);
  tone.connect(loudness).connect(audio.destination);
  tone.start(at);
  tone.stop(at + length + 0.05);
  document.body.dataset.scheduled = Number(document.body.dataset.scheduled || 0) + 1;
}

function schedule() {
  while (next < tune.notes.length) {
    const at = begun + (tune.notes[next][0] - from) * seconds();
    if (at > audio.currentTime + AHEAD) return;
    sound(tune.notes[next++], Math.max(at, audio.currentTime));
  }
  if (audio.currentTime > begun + (tune.end - from) * seconds() + 0.1) stop();
}

function mark(note) {
  marked.forEach((element) => element.classList.remove("now"));
  marked = note ? [document.getElementById(note[3])].filter(Boolean) : [];
  marked.forEach((element) => element.classList.add("now"));
}

function follow() {
  const now = from + (audio.currentTime - begun) / seconds();
  const note = tune.notes.findLast((one) => one[0] <= now && now < one[0] + one[1]);
  mark(note);
  document.body.dataset.cursor = note ? note[3] : "";
  frame = requestAnimationFrame(follow);
}

function play(start) {
  audio = audio || new AudioContext();
  audio.wave = audio.wave || wave();
  audio.resume();
  from = start;
  next = tune.notes.findIndex((note) => note[0] >= from);
  begun = audio.currentTime + 0.1;
  timer = setInterval(schedule, EVERY);
  schedule();
  follow();
  button.textContent = "Stop";
  button.setAttribute("aria-pressed", "true");
}

function stop() {
  clearInterval(timer);
  cancelAnimationFrame(frame);
  timer = null;
  mark(null);
  document.body.dataset.cursor = "";
  button.textContent = "Play";
  button.setAttribute("aria-pressed", "false");
}

button.addEventListener("click", () => (timer ? stop() : play(0)));
slider.addEventListener("input", () => {
  document.getElementById("bpm").textContent = slider.value;
  if (timer) { // go on from where it is, at the new speed
    const now = tune.notes[Math.max(0, next - 1)][0];
    stop();
    play(now);
  }
});
document.getElementById("score").addEventListener("click", (event) => {
  const hit = event.target.closest("g.note, g.chord, g.rest");
  const note = hit && tune.notes.find((one) => one[3] === hit.id);
  if (note) { if (timer) stop(); play(note[0]); }
});
document.getElementById("copy").addEventListener("click", () =>
  navigator.clipboard.writeText(document.getElementById("abc").textContent));
