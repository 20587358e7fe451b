"""A roll as one self-contained HTML page: playback with a cursor, what the model expected, and how new it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import numpy as np

from ostinato.families.report import table
from ostinato.families.rolls.results import Heard
from ostinato.music.roll_facts import Facts, facts_of
from ostinato.music.roll_midi import write_midi_roll
from ostinato.music.roll_picture import FRAME, NOTE, rows_of_keys
from ostinato.music.roll_sound import notes_of_frames
from ostinato.music.rolls import Grid, note_name
from ostinato.units import bits

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; margin: 2.5rem auto; max-width: 75rem; padding: 0 1.25rem; color: #1d1d1f;
  background: #fff }
h1 { font: 600 2rem/1.2 Georgia, serif; margin: 0 }
h2 { font: 600 1.1rem/1.3 system-ui, sans-serif; margin: 2rem 0 .6rem }
.quiet { color: #6b6b70; font-size: .9rem }
.controls { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; margin: 1rem 0; padding: .7rem 1rem;
  border: 1px solid #e2e2e6; border-radius: .6rem }
button { font: inherit; padding: .35rem 1.2rem; border-radius: .4rem; border: 1px solid #1d1d1f; background: #1d1d1f;
  color: #fff; cursor: pointer; min-width: 5.5rem }
#score { overflow-x: auto; cursor: pointer }
.files { margin-left: auto }
table { border-collapse: collapse }
td, th { padding: .28rem 1.4rem .28rem 0; text-align: left; border-bottom: 1px solid #e2e2e6 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
"""
_EXPECTED = 0.1  # probability of a note from which on it is no surprise
_SHOWN = 0.02  # probability from which on a note that does not sound is shaded
_BARS = 60  # pixels of the highest bar of surprise


def roll_page(heard: Heard, grid: Grid, *, tempo: float, lowest: int, title: str, bound: str) -> str:
    """Return the page of a roll.

    Args:
        heard: The roll, and what the model says of it.
        grid: Length of a frame.
        tempo: Quarter notes a minute.
        lowest: MIDI number of the first note.
        title: Title of the page.
        bound: Kind of the losses: ``"exact"`` or ``"an estimate"``.
    """
    seconds = grid.seconds_at(tempo)
    midi = base64.b64encode(write_midi_roll(heard.frames, grid, quarters_per_minute=tempo, lowest=lowest)).decode()
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">{len(heard.frames):,} frames of {seconds:.3g} s, {heard.nats.mean():.2f} nats per frame '
        f"({bound})</p>",
        '<div class="controls"><button id="play" aria-pressed="false">Play</button>'
        f'<label>Tempo <input id="tempo" type="range" min="30" max="240" value="{tempo:.0f}"> '
        f'<span id="bpm">{tempo:.0f}</span></label><span class="quiet">or click into the roll</span>'
        f'<span class="files"><a download="roll.mid" href="data:audio/midi;base64,{midi}">MIDI</a></span></div>',
        f'<div id="score">{_picture(heard, lowest)}</div>',
        '<p class="quiet">Blue: notes that the model expected; red: notes to which it gave a probability under '
        f"{_EXPECTED:g}. Grey: notes that do not sound, the darker the more they were expected. Below: how much each "
        f"frame surprised the model; the highest bar has {bits(float(heard.nats.max())):.1f} bits.</p>",
        "<h2>Beside the music that the model has learned from</h2>",
        _statistics(heard, lowest),
        _novelty(heard),
        f'<script type="application/json" id="roll">{_playback(heard, seconds, tempo, lowest)}</script>',
        f"<script>{(files('ostinato.families.rolls') / 'player.js').read_text()}</script>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _picture(heard: Heard, lowest: int) -> str:
    shown = (heard.frames > 0) | (heard.probabilities >= _EXPECTED)
    notes = np.flatnonzero(shown.any(axis=0))
    first, last = (int(notes[0]), int(notes[-1])) if len(notes) else (0, 11)
    width, height = len(heard.frames) * FRAME, (last - first + 1) * NOTE
    parts = rows_of_keys(first, last, width, lowest)
    for frame, note in np.argwhere(shown | (heard.probabilities >= _SHOWN)).tolist():
        if not first <= note <= last:
            continue
        p, sounds = float(heard.probabilities[frame, note]), bool(heard.frames[frame, note])
        fill = ("#2266cc" if p >= _EXPECTED else "#c8321e") if sounds else "#000"
        opacity = "" if sounds else f' fill-opacity="{0.6 * p:.2f}"'
        parts.append(
            f'<rect x="{frame * FRAME}" y="{(last - note) * NOTE}" width="{FRAME - 0.5}" height="{NOTE - 1}" '
            f'fill="{fill}"{opacity}><title>{note_name(lowest + note)}: {p:.1%}</title></rect>'
        )
    most = float(heard.nats.max()) or 1.0
    for frame, nats in enumerate(heard.nats.tolist()):
        bar = _BARS * nats / most
        parts.append(
            f'<rect x="{frame * FRAME}" y="{height + 8 + _BARS - bar:.1f}" width="{FRAME - 1}" height="{bar:.1f}" '
            f'fill="#d9b3a4"><title>frame {frame + 1}: {bits(nats):.1f} bits</title></rect>'
        )
    whole = height + 8 + _BARS
    parts.append(f'<line id="cursor" x1="0" x2="0" y1="0" y2="{whole}" stroke="#1d1d1f" stroke-width="1.5"/>')
    return (
        f'<svg viewBox="0 0 {width} {whole}" width="{width}" height="{whole}" role="img">'
        f"<title>piano roll of {len(heard.frames)} frames</title>{''.join(parts)}</svg>"
    )


def _statistics(heard: Heard, lowest: int) -> str:
    own = facts_of([heard.frames], lowest)
    columns: list[Facts] = [own, *([] if heard.known is None else [heard.known])]
    rows: list[Sequence[str]] = [
        ("notes in a frame", *(f"{one.notes:.2f}" for one in columns)),
        ("most notes in a frame", *(f"{one.most}" for one in columns)),
        ("lowest and highest note", *(_range(one) for one in columns)),
        ("frames that repeat the one before", *(f"{one.repeated:.1%}" for one in columns)),
    ]
    return table(("", "this roll", "training rolls")[: len(columns) + 1], rows)


def _range(facts: Facts) -> str:
    if facts.lowest is None or facts.highest is None:
        return "silence"
    return f"{note_name(facts.lowest)} to {note_name(facts.highest)}"


def _novelty(heard: Heard) -> str:
    if heard.copy is None:
        return ""
    if not heard.copy.length:
        return "<p>No frame of it is among the training rolls.</p>"
    return (
        f"<p>Longest run of frames that the training rolls have too, in any key: {heard.copy.length} of "
        f"{len(heard.frames)}, from frame {heard.copy.at + 1} on; there in {escape(heard.copied_from)}.</p>"
    )


def _playback(heard: Heard, seconds: float, tempo: float, lowest: int) -> str:
    notes = [[round(note.start), round(note.seconds), note.midi] for note in notes_of_frames(heard.frames, 1.0, lowest)]
    about = {"notes": notes, "frames": len(heard.frames), "seconds": seconds, "tempo": tempo, "width": FRAME}
    return json.dumps(about).replace("<", "\\u003c")
