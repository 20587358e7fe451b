"""Piano rolls as MusicXML, for notation programs: two staves, divided at middle C, in bars of four quarters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from ostinato.errors import ConfigError
from ostinato.music.musicxml import DOCTYPE
from ostinato.music.rolls import LOWEST, Frames, Grid

_TYPES = {1: "whole", 2: "half", 4: "quarter", 8: "eighth", 16: "16th", 32: "32nd", 64: "64th"}
_SPELLED = (
    ("C", 0), ("C", 1), ("D", 0), ("E", -1), ("E", 0), ("F", 0), ("F", 1), ("G", 0), ("A", -1), ("A", 0), ("B", -1),
    ("B", 0),
)  # fmt: skip
_MIDDLE_C, _OCTAVE, _QUARTERS = 60, 12, 4
_CLEFS = (("G", "2"), ("F", "4"))


class _Chord(NamedTuple):
    """Notes of one staff that sound together, within a bar; none is a rest."""

    notes: tuple[int, ...]
    frames: int
    dots: int
    kind: str
    from_before: frozenset[int]  # notes that a tie leads to
    goes_on: frozenset[int]  # notes that a tie leads on from


def write_musicxml_roll(
    frames: Frames, grid: Grid, *, quarters_per_minute: float = 100.0, lowest: int = LOWEST, title: str = ""
) -> bytes:
    """Return a roll as a MusicXML file in UTF-8. A note that sounds in frames one after another is one long note.

    Args:
        frames: The notes of each frame, [T, N].
        grid: The length of a frame.
        quarters_per_minute: Tempo.
        lowest: MIDI number of the first note.
        title: Title of the piece.

    Raises:
        ConfigError: A frame is no half, quarter, 8th, 16th, 32nd or 64th.
    """
    if grid.parts not in _TYPES:
        raise ConfigError(
            "notation needs frames that are a 4th, 8th, 16th, 32nd or 64th (setting grid); of others write .mid"
        )
    score = ET.Element("score-partwise", version="4.0")
    ET.SubElement(ET.SubElement(score, "work"), "work-title").text = title
    ET.SubElement(ET.SubElement(ET.SubElement(score, "identification"), "encoding"), "software").text = "ostinato"
    listed = ET.SubElement(ET.SubElement(score, "part-list"), "score-part", id="P1")
    ET.SubElement(listed, "part-name", {"print-object": "no"}).text = "Piano"
    part = ET.SubElement(score, "part", id="P1")
    whole = np.pad(frames, ((0, -len(frames) % grid.parts), (0, 0)))
    split = max(0, min(frames.shape[1], _MIDDLE_C - lowest))
    staves = (_only(whole, split, frames.shape[1]), _only(whole, 0, split))
    for number in range(len(whole) // grid.parts):
        measure = ET.SubElement(part, "measure", number=str(number + 1))
        if number == 0:
            _write_attributes(measure, grid.parts, quarters_per_minute)
        for staff, own in enumerate(staves, 1):
            if staff > 1:
                _text(ET.SubElement(measure, "backup"), "duration", grid.parts * _QUARTERS)
            for chord in _chords(own, number * grid.parts, grid.parts):
                _write_chord(measure, chord, staff, lowest)
    ET.indent(score)
    return (DOCTYPE + ET.tostring(score, encoding="unicode") + "\n").encode()


def _only(frames: Frames, first: int, end: int) -> Frames:
    kept = np.zeros_like(frames)
    kept[:, first:end] = frames[:, first:end]
    return kept


def _chords(frames: Frames, first: int, parts: int) -> Iterator[_Chord]:
    """Yield the chords of one staff in the bar that begins at a frame."""
    at, end = first, first + parts
    while at < end:
        same = at + 1
        while same < end and (frames[same] == frames[at]).all():
            same += 1
        while at < same:
            length, dots, kind = _longest_value(same - at, parts)
            notes = np.flatnonzero(frames[at]).tolist()
            before = set(np.flatnonzero(frames[at - 1]).tolist()) if at else set()
            after = set(np.flatnonzero(frames[at + length]).tolist()) if at + length < len(frames) else set()
            sounding = frozenset(notes)
            yield _Chord(tuple(notes), length, dots, kind, sounding & before, sounding & after)
            at += length


def _longest_value(frames: int, parts: int) -> tuple[int, int, str]:
    """Return the longest note value of at most so many frames: its frames, its dots and its name."""
    for of_whole, kind in _TYPES.items():
        plain, rest = divmod(parts, of_whole)
        if rest or plain > frames:
            continue
        if plain % 2 == 0 and plain * 3 // 2 <= frames:
            return plain * 3 // 2, 1, kind
        return plain, 0, kind
    raise AssertionError("a frame is a note value itself")


def _write_attributes(measure: ET.Element, parts: int, quarters_per_minute: float) -> None:
    attributes = ET.SubElement(measure, "attributes")
    _text(attributes, "divisions", parts)  # of a quarter: a frame is four of them
    _text(ET.SubElement(attributes, "key"), "fifths", 0)
    time = ET.SubElement(attributes, "time")
    _text(time, "beats", _QUARTERS)
    _text(time, "beat-type", 4)
    _text(attributes, "staves", len(_CLEFS))
    for number, (sign, line) in enumerate(_CLEFS, 1):
        clef = ET.SubElement(attributes, "clef", number=str(number))
        _text(clef, "sign", sign)
        _text(clef, "line", line)
    direction = ET.SubElement(measure, "direction", placement="above")
    metronome = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
    _text(metronome, "beat-unit", "quarter")
    _text(metronome, "per-minute", f"{quarters_per_minute:g}")
    ET.SubElement(direction, "sound", tempo=f"{quarters_per_minute:g}")


def _write_chord(measure: ET.Element, chord: _Chord, staff: int, lowest: int) -> None:
    for place, note in enumerate(chord.notes or (None,)):
        element = ET.SubElement(measure, "note")
        if place:
            ET.SubElement(element, "chord")
        if note is None:
            ET.SubElement(element, "rest")
        else:
            _write_pitch(element, lowest + note)
        _text(element, "duration", chord.frames * _QUARTERS)
        ties = [kind for kind, tied in (("stop", chord.from_before), ("start", chord.goes_on)) if note in tied]
        for kind in ties:
            ET.SubElement(element, "tie", type=kind)
        _text(element, "voice", staff)
        _text(element, "type", chord.kind)
        for _ in range(chord.dots):
            ET.SubElement(element, "dot")
        _text(element, "staff", staff)
        if ties:
            notations = ET.SubElement(element, "notations")
            for kind in ties:
                ET.SubElement(notations, "tied", type=kind)


def _write_pitch(element: ET.Element, midi: int) -> None:
    step, alter = _SPELLED[midi % _OCTAVE]
    pitch = ET.SubElement(element, "pitch")
    _text(pitch, "step", step)
    if alter:
        _text(pitch, "alter", alter)
    _text(pitch, "octave", midi // _OCTAVE - 1)


def _text(parent: ET.Element, name: str, value: object) -> None:
    ET.SubElement(parent, name).text = str(value)
