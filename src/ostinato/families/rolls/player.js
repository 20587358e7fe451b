// Plays the roll of the page by Web Audio, and moves a cursor over it. Every note: [first frame, frames, MIDI number].
"use strict";
const roll = JSON.parse(document.getElementById("roll").textContent);
const button = document.getElementById("play"), slider = document.getElementById("tempo");
const picture = document.querySelector("#score svg"), cursor = document.getElementById("cursor");
const AHEAD = 0.15, EVERY = 40; // seconds that are scheduled ahead, milliseconds between looks
let audio = null, next = 0, begun = 0, from = 0, timer = null, frame = null;

const seconds = () => roll.seconds * roll.tempo / slider.value; // of a frame

function sound(note, at) {
  const length = note[1] * seconds(), tone = audio.createOscillator(), loudness = audio.createGain();
  tone.type = "triangle";
  tone.frequency.value = 440 * 2 ** ((note[2] - 69) / 12);
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(0.14, at + 0.01);
  loudness.gain.exponentialRampToValueAtTime(0.03, at + Math.max(0.05, length));
  loudness.gain.linearRampToValueAtTime(0, at + length + 0.03);
  tone.connect(loudness).connect(audio.destination);
  tone.start(at);
  tone.stop(at + length + 0.05);
  document.body.dataset.scheduled = Number(document.body.dataset.scheduled || 0) + 1;
}

function schedule() {
  while (next < roll.notes.length) {
    const at = begun + (roll.notes[next][0] - from) * seconds();
    if (at > audio.currentTime + AHEAD) return;
    sound(roll.notes[next++], Math.max(at, audio.currentTime));
  }
  if (audio.currentTime > begun + (roll.frames - from) * seconds() + 0.1) stop();
}

function place(now) {
  const x = Math.max(0, Math.min(roll.frames, now)) * roll.width;
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  document.body.dataset.cursor = now.toFixed(2);
}

function follow() {
  place(from + (audio.currentTime - begun) / seconds());
  frame = requestAnimationFrame(follow);
}

function play(start) {
  if (timer) stop();
  audio = audio || new AudioContext();
  audio.resume();
  from = start;
  next = roll.notes.findIndex((note) => note[0] >= from);
  if (next < 0) next = roll.notes.length;
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
  button.textContent = "Play";
  button.setAttribute("aria-pressed", "false");
}

button.addEventListener("click", () => (timer ? stop() : play(0)));
picture.addEventListener("click", (event) => {
  const box = picture.getBoundingClientRect();
  play(Math.floor((event.clientX - box.left) / box.width * roll.frames));
});
slider.addEventListener("input", () => {
  document.getElementById("bpm").textContent = slider.value;
  if (timer) play(Number(document.body.dataset.cursor || 0));
});
