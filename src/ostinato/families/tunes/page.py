"""A tune as one self-contained HTML page: score, playback with a cursor, checks, files."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from ostinato.music import Tune, write_tune
from ostinato.music.engraving import engrave
from ostinato.music.judging import CHECKS, Judgement
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import note_id, write_musicxml
from ostinato.music.playing import played
from ostinato.music.tempo import beat, whole_notes_per_minute

_STYLE = """
:root { --ink: #1d1d1f; --quiet: #6b6b70; --line: #e2e2e6; --paper: #fff; --accent: #b4451f; --good: #2c7a4b }
body { font: 16px/1.55 system-ui, sans-serif; margin: 2.5rem auto; max-width: 60rem; padding: 0 1.25rem;
  color: var(--ink); background: var(--paper) }
h1 { font: 600 2rem/1.2 Georgia, serif; margin: 0 }
h2 { font: 600 1.1rem/1.3 system-ui, sans-serif; margin: 2.2rem 0 .6rem }
.quiet { color: var(--quiet); font-size: .9rem }
#score svg { width: 100%; height: auto; display: block }
#score g.note, #score g.chord { cursor: pointer }
#score g.now, #score g.now * { fill: var(--accent); color: var(--accent) }
.controls { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; margin: 1rem 0;
  padding: .7rem 1rem; border: 1px solid var(--line); border-radius: .6rem; position: sticky; top: 0;
  background: var(--paper) }
button { font: inherit; padding: .35rem 1.2rem; border-radius: .4rem; border: 1px solid var(--ink);
  background: var(--ink); color: var(--paper); cursor: pointer; min-width: 5.5rem }
button.plain { background: none; color: var(--ink); border-color: var(--line) }
a { color: var(--accent) }
.files { margin-left: auto; display: flex; gap: .9rem }
table { border-collapse: collapse }
td, th { padding: .28rem 1.4rem .28rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top }
td:first-child { color: var(--quiet); white-space: nowrap }
.yes { color: var(--good) } .no { color: var(--accent) }
pre { font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; margin: 0 0 .6rem }
.bars { display: flex; align-items: flex-end; gap: 3px; height: 6rem }
.bars div { flex: 1; max-width: 2.2rem; background: #d9b3a4; border-radius: 3px 3px 0 0; position: relative }
.bars span { position: absolute; bottom: -1.3rem; left: 0; right: 0; text-align: center; font-size: .7rem;
  color: var(--quiet) }
"""
_SLOWEST, _FASTEST = 40, 240  # beats a minute


def tune_page(tune: Tune, judgement: Judgement, surprises: Sequence[tuple[int, float]] = ()) -> str:
    """Return the page of a tune.

    Args:
        tune: The tune.
        judgement: Its judgement, with the checks.
        surprises: Number of each bar, and its surprise to a model in bits; empty if no model was asked.
    """
    kind = " · ".join(part for part in (tune.rhythm, _meter(tune), tune.key.name) if part)
    body = [
        f"<h1>{escape(tune.title or 'Untitled')}</h1>",
        f'<p class="quiet">{escape(kind)}</p>',
        _controls(tune),
        f'<div id="score">{engrave(tune)}</div>',
        "<h2>Checks</h2>",
        _findings_table(judgement),
        *_surprises(surprises),
        "<h2>ABC notation</h2>",
        f'<pre id="abc">{escape(write_tune(tune))}</pre>',
        '<button class="plain" id="copy">Copy</button>',
        *(f'<p class="quiet">{escape(text)}</p>' for letter, text in tune.information if letter == "Z"),
        f'<script type="application/json" id="tune">{_playback(tune)}</script>',
        f"<script>{(files('ostinato.families.tunes') / 'player.js').read_text()}</script>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(tune.title or 'Untitled')}</title>\n<style>{_STYLE}</style>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _meter(tune: Tune) -> str:
    return "" if tune.meter is None else tune.meter.name


def _beats(tune: Tune) -> int:
    """Return the tempo of a tune in its beats a minute."""
    return max(_SLOWEST, min(_FASTEST, round(float(whole_notes_per_minute(tune) / beat(tune.meter)))))


def _controls(tune: Tune) -> str:
    written = [("ABC", "tune.abc", "text/plain", write_tune(tune).encode()),
               ("MIDI", "tune.mid", "audio/midi", write_midi(tune)),
               ("MusicXML", "tune.musicxml", "application/xml", write_musicxml(tune))]  # fmt: skip
    links = "".join(
        f'<a download="{name}" href="data:{kind};base64,{base64.b64encode(data).decode()}">{label}</a>'
        for label, name, kind, data in written
    )
    beats = _beats(tune)
    return (
        '<div class="controls"><button id="play" aria-pressed="false">Play</button>'
        f'<label>Tempo <input id="tempo" type="range" min="{_SLOWEST}" max="{_FASTEST}" value="{beats}"> '
        f'<span id="bpm">{beats}</span></label><span class="quiet">or click a note</span>'
        f'<span class="files">{links}</span></div>'
    )


def _playback(tune: Tune) -> str:
    """Return the notes as they are played, and the length of a beat, for the page's script."""
    notes = [
        [round(float(tone.start), 6), round(float(tone.duration), 6), tone.midi, note_id(tone.place)]
        for tone in sorted(played(tune).tones(), key=lambda tone: (tone.start, tone.midi))
    ]
    end = max((note[0] + note[1] for note in notes), default=0)  # type: ignore[operator]
    return json.dumps({"notes": notes, "end": end, "beat": float(beat(tune.meter))}).replace("<", "\\u003c")


def _findings_table(judgement: Judgement) -> str:
    rows = [(name, is_so, text) for name, is_so, text in findings_of(judgement)]
    lines = [
        f'<tr><td>{escape(name)}</td><td class="{"yes" if is_so else "no"}">{"yes" if is_so else "no"}</td>'
        f"<td>{escape(text)}</td></tr>"
        for name, is_so, text in rows
    ]
    return f"<table>{''.join(lines)}</table>"


def findings_of(judgement: Judgement) -> list[tuple[str, bool, str]]:
    """Return the name of each check, whether it is passed, and its finding in words."""
    one = judgement
    findings = {
        "adds up": "; ".join(one.problems) or f"all {one.interior} interior bars, upbeats and repeats",
        "playable": f"MIDI {one.lowest} to {one.highest}: {', '.join(one.playable) or 'none of the instruments'}",
        "in its scale": f"{one.in_scale:.0%} of the notes",
        "ends on the tonic": f"its last note is degree {one.final}",
        "usual rhythms": "" if one.usual_rhythms is None else f"{one.usual_rhythms:.0%} of its bars have one that the "
        "training tunes have in this meter",
        "copies little": "" if one.copied_bars is None else f"its longest run of notes from a training tune lasts "
        f"{one.copied_bars:.2g} bars" + (f", from “{one.copied_from}”" if one.copied_from else ""),
        "far from all": "" if one.distance is None else f"{one.distance:.0%} of its steps differ from those of the "
        f"nearest, “{one.nearest}”",
    }  # fmt: skip
    return [(name, name in one.passed, findings[name]) for name in CHECKS if findings[name]]


def _surprises(surprises: Sequence[tuple[int, float]]) -> list[str]:
    if not surprises:
        return []
    most = max(value for _, value in surprises) or 1.0
    bars = "".join(
        f'<div style="height: {100 * value / most:.1f}%" title="bar {number}: {value:.1f} bits">'
        f"<span>{number}</span></div>"
        for number, value in surprises
    )
    return [
        "<h2>How much each bar surprises the model</h2>",
        f'<div class="bars">{bars}</div><p class="quiet" style="margin-top: 1.8rem">Bits, in the order in which bars '
        f"are written; the highest has {most:.1f}. What is low was to be expected.</p>",
    ]
