"""Piano rolls from standard MIDI files, and back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostinato.errors import CorpusError
from ostinato.music.rolls import LOWEST, Frames, Grid

#: Ticks of a quarter note in files that are written: every part of a whole note up to 1/64 comes out whole.
_TICKS = 960
_DRUMS = 9  # channel
_USUAL_BAR = 4.0  # quarters, where a file has no time signature
_USUAL_TEMPO = 500_000  # microseconds of a quarter note, where a file says nothing
_VELOCITY = 80
_SHORT = 0.75  # of a frame
_MOST_FRAMES = 200_000
_NOTES = 128


@dataclass(frozen=True)
class MidiRoll:
    """A MIDI file as a roll.

    Attributes:
        frames: The notes of each frame, [T, 128]; silence at both ends is cut off.
        quarters_per_minute: Tempo at the beginning.
        drums: Number of notes of drums, which were left out.
        quarters_in_bar: Length of its bars, by the first time signature; four where there is none.
        first: Number of the first frame, counted from the beginning of the file: so many are cut off.
        short: Number of notes that are shorter than a frame; several of them may fall into one.
    """

    frames: Frames
    quarters_per_minute: float
    drums: int
    quarters_in_bar: float = _USUAL_BAR
    first: int = 0
    short: int = 0


@dataclass(frozen=True)
class _Note:
    note: int
    start: float  # in frames
    end: float


def read_midi_roll(data: bytes, grid: Grid, where: str) -> MidiRoll:
    """Read a MIDI file as a roll. A note sounds from the nearest frame to its start to that before its end.

    Args:
        data: The file.
        grid: The length of a frame.
        where: Name of the file, for messages.

    Raises:
        CorpusError: It is no MIDI file, has no notes, or is too long.
    """
    file = _parsed(data, where)
    ticks = file.ticks_per_beat
    if not 0 < ticks < 2**15:
        raise CorpusError(f"{where} counts time in frames of film, not in beats; save it with a tempo in beats")
    try:
        notes, drums, tempo = _notes(file, grid, ticks)
    except (ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"{where} is a damaged MIDI file: {error}") from error
    if not notes:
        left = f", only {drums:,} of drums, which are left out" if drums else ""
        raise CorpusError(f"{where} has no notes{left}")
    starts = np.array([round(note.start) for note in notes])
    ends = np.maximum(starts + 1, np.array([round(note.end) for note in notes]))
    first, last = int(starts.min()), int(ends.max())
    if last - first > _MOST_FRAMES:
        raise CorpusError(f"{where} lasts {last - first:,} frames, over {_MOST_FRAMES:,}; choose a coarser grid")
    frames = np.zeros((last - first, _NOTES), dtype=np.uint8)
    for note, start, end in zip(notes, starts.tolist(), ends.tolist(), strict=True):
        frames[start - first : end - first, note.note] = 1
    return MidiRoll(
        frames,
        60e6 / tempo,
        drums,
        _quarters_in_bar(file),
        first,
        sum(note.end - note.start < _SHORT for note in notes),
    )


def _parsed(data: bytes, where: str) -> Any:
    import mido  # only where files are read or written

    try:
        return mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # mido raises EOFError, OSError, ValueError, IndexError, KeyError and others
        raise CorpusError(f"{where} is no MIDI file, or a damaged one: {error or type(error).__name__}") from error


def _notes(file: Any, grid: Grid, ticks: int) -> tuple[list[_Note], int, int]:
    """Return the notes with their times in frames, the number of notes of drums, and the first tempo."""
    open_notes: dict[tuple[int, int], list[float]] = {}
    notes, drums, first_tempo, time = list[_Note](), 0, None, 0.0
    for time, message in _timed(file, grid, ticks):
        if message.type == "set_tempo" and first_tempo is None:
            first_tempo = message.tempo
        if message.type not in ("note_on", "note_off"):
            continue
        key, starts = (message.channel, message.note), message.type == "note_on" and message.velocity > 0
        if message.channel == _DRUMS:
            drums += starts
        elif starts:
            open_notes.setdefault(key, []).append(time)
        elif open_notes.get(key):
            notes.append(_Note(message.note, open_notes[key].pop(0), time))
    for (_, note), starts_at in open_notes.items():  # without an end: they sound to the end of the file
        notes += [_Note(note, start, time) for start in starts_at]
    return notes, drums, first_tempo or _USUAL_TEMPO


def _quarters_in_bar(file: Any) -> float:
    signatures = (message for track in file.tracks for message in track if message.type == "time_signature")
    first = next(signatures, None)
    return _USUAL_BAR if first is None or not first.numerator else 4 * first.numerator / first.denominator


def _timed(file: Any, grid: Grid, ticks: int) -> Iterator[tuple[float, Any]]:
    """Yield all messages with their times in frames."""
    import mido

    time, tempo = 0.0, _USUAL_TEMPO
    for message in mido.merge_tracks(file.tracks):
        quarters = message.time / ticks
        time += quarters * grid.parts / 4 if grid.parts else quarters * tempo / 1e6 / grid.seconds
        yield time, message
        if message.type == "set_tempo":
            tempo = message.tempo or _USUAL_TEMPO


def write_midi_roll(
    frames: Frames, grid: Grid, *, quarters_per_minute: float = 100.0, program: int = 0, lowest: int = LOWEST
) -> bytes:
    """Return a roll as a MIDI file of one track. A note that sounds in frames one after another is one long note.

    Args:
        frames: The notes of each frame, [T, N].
        grid: The length of a frame.
        quarters_per_minute: Tempo.
        program: The instrument by its General MIDI number, from 0.
        lowest: MIDI number of the first note.
    """
    import mido

    quarters = 4 / grid.parts if grid.parts else grid.seconds * quarters_per_minute / 60
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / quarters_per_minute)))
    track.append(mido.Message("program_change", program=program))
    now = 0
    for frame, kind, note in sorted(_events(frames)):
        at = round(frame * quarters * _TICKS)
        name = "note_on" if kind else "note_off"
        track.append(mido.Message(name, note=lowest + note, velocity=_VELOCITY if kind else 0, time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(len(frames) * quarters * _TICKS) - now)))
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS)
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _events(frames: Frames) -> Iterable[tuple[int, int, int]]:
    """Return frame, kind (0 end, 1 beginning) and note of each change."""
    padded = np.pad(frames.astype(np.int8), ((1, 1), (0, 0)))
    changes = np.diff(padded, axis=0)
    frame, note = np.nonzero(changes)
    kinds = (changes[frame, note] > 0).astype(int)
    return zip(frame.tolist(), kinds.tolist(), note.tolist(), strict=True)
