"""Tunes as standard MIDI files."""

from __future__ import annotations

import io

from ostinato.errors import ConfigError
from ostinato.music.forms import sections
from ostinato.music.playing import played
from ostinato.music.tempo import beat, whole_notes_per_minute
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
    meter = tune.meter
    tempo = 60_000_000 / float(whole_notes_per_minute(tune) * 4)  # microseconds of a quarter
    track.append(mido.MetaMessage("track_name", name=_plain(tune.title)))
    for letter, text in tune.information:
        track.append(mido.MetaMessage("text", text=_plain(f"{letter}: {text}")))
    track.append(mido.MetaMessage("set_tempo", tempo=round(tempo)))
    if meter is not None:
        clocks = int(beat(meter) * 96)
        signature = {"numerator": meter.count, "denominator": meter.unit, "clocks_per_click": clocks}
        track.append(mido.MetaMessage("time_signature", **signature))
    track.append(mido.Message("program_change", program=program))
    now = 0
    for at, _, message in sorted(_events(tune), key=lambda event: event[:2]):
        track.append(mido.Message(message[0], note=message[1], velocity=message[2], time=at - now))
        now = at
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_OF_A_QUARTER)
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _events(tune: Tune) -> list[tuple[int, int, tuple[str, int, int]]]:
    """When notes begin and end, in ticks; ends go before beginnings at the same time."""
    found = []
    parts = sections(tune)
    upbeat = parts[0].upbeat if parts else 0
    for tone in played(tune).tones():
        if not 0 <= tone.midi <= _HIGHEST:
            raise ConfigError(f"MIDI has the notes 0 to {_HIGHEST}, and the tune has {tone.midi}; transpose it")
        start, length = tone.start * 4 * TICKS_OF_A_QUARTER, tone.duration * 4 * TICKS_OF_A_QUARTER
        strong = tune.meter is not None and ((tone.start - upbeat) / beat(tune.meter)).denominator == 1
        velocity = _ACCENT if strong else _VELOCITY
        found.append((int(start), 1, ("note_on", tone.midi, velocity)))
        found.append((int(start + length - length / _SHORTER), 0, ("note_off", tone.midi, 0)))
    return found


def _plain(text: str) -> str:
    """What a MIDI file can hold of a text."""
    return text.encode("latin-1", errors="replace").decode("latin-1")
