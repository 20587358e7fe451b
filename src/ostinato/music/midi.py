"""Tunes as standard MIDI files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from ostinato.errors import ConfigError
from ostinato.music.elements import Field
from ostinato.music.forms import sections
from ostinato.music.meter import parse_meter
from ostinato.music.playing import Played, played
from ostinato.music.tempo import beat, whole_notes_per_minute
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

#: Of a quarter note: every tuplet and broken rhythm comes out whole. More than 32,767 a file cannot say.
TICKS_OF_A_QUARTER = 20_160
_PROGRAM, _HIGHEST = 40, 127  # violin; the highest note
_VELOCITY, _ACCENT = 80, 96
_SHORTER = 20  # one part in so many of a note is left silent, so that repeated notes can be told apart


def write_midi(tune: Tune, *, program: int = _PROGRAM) -> bytes:
    """Return a tune as a MIDI file of one track, repeats played.

    Args:
        tune: The tune.
        program: The instrument by its General MIDI number, from 0.
    """
    import mido  # only where files are written

    track = mido.MidiTrack()
    tempo = 60_000_000 / float(whole_notes_per_minute(tune) * 4)  # microseconds of a quarter
    track.append(mido.MetaMessage("track_name", name=_plain(tune.title)))
    for letter, text in tune.information:
        track.append(mido.MetaMessage("text", text=_plain(f"{letter}: {text}")))
    track.append(mido.MetaMessage("set_tempo", tempo=round(tempo)))
    track.append(mido.Message("program_change", program=program))
    written, now = played(tune), 0
    for at, _, kind, values in sorted([*_meters(written), *_events(tune, written)], key=lambda event: event[:2]):
        message = mido.MetaMessage if kind == "time_signature" else mido.Message
        track.append(message(kind, **values, time=at - now))
        now = at
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_OF_A_QUARTER)
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


_Event: TypeAlias = tuple[int, int, str, dict[str, int]]  # ticks, rank among those of one time, kind, values


def _meters(written: Played) -> Iterator[_Event]:
    """Yield the time signatures: the first meter, and each change of meter."""
    tune = written.tune
    now, changes = Fraction(0), [(Fraction(0), tune.meter)]
    for element, time in zip(tune.body, durations(tune), strict=True):
        if isinstance(element, Field) and element.letter == "M":
            changes.append((now, parse_meter(element.value)))
        now += time
    for at, meter in changes:
        if meter is not None:
            clocks = int(beat(meter) * 96)
            signature = {"numerator": meter.count, "denominator": meter.unit, "clocks_per_click": clocks}
            yield _ticks(at), 0, "time_signature", signature


def _events(tune: Tune, written: Played) -> Iterator[_Event]:
    """Yield the beginnings and ends of notes; ends go before beginnings at the same time."""
    parts = sections(tune)
    upbeat = parts[0].upbeat if parts else 0
    for tone in written.tones():
        if not 0 <= tone.midi <= _HIGHEST:
            raise ConfigError(f"MIDI has the notes 0 to {_HIGHEST}, and the tune has {tone.midi}; transpose it")
        strong = tune.meter is not None and ((tone.start - upbeat) / beat(tune.meter)).denominator == 1
        velocity = _ACCENT if strong else _VELOCITY
        end = tone.start + tone.duration - tone.duration / _SHORTER
        yield _ticks(tone.start), 2, "note_on", {"note": tone.midi, "velocity": velocity}
        yield _ticks(end), 1, "note_off", {"note": tone.midi, "velocity": 0}


def _ticks(time: Fraction) -> int:
    return int(time * 4 * TICKS_OF_A_QUARTER)


def _plain(text: str) -> str:
    """Return a text with each character outside Latin-1, which MIDI files cannot hold, as a question mark."""
    return text.encode("latin-1", errors="replace").decode("latin-1")
