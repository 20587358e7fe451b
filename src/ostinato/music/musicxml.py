"""Tunes as MusicXML, for notation programs: one part, one voice, written repeats and endings."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ostinato.music.bars import Bar, bars
from ostinato.music.beams import beams
from ostinato.music.elements import BarLine, BarsOfRest, Chord, Field, Note, Rest, Tuplet
from ostinato.music.keys import Key, parse_key
from ostinato.music.meter import Meter, parse_meter
from ostinato.music.sounding import alterations
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

#: Of a quarter note: every tuplet comes out whole.
DIVISIONS = 20_160
_TYPES = {
    Fraction(2): "breve", Fraction(1): "whole", Fraction(1, 2): "half", Fraction(1, 4): "quarter",
    Fraction(1, 8): "eighth", Fraction(1, 16): "16th", Fraction(1, 32): "32nd", Fraction(1, 64): "64th",
    Fraction(1, 128): "128th",
}  # fmt: skip
_DOTS = {0: Fraction(1), 1: Fraction(3, 2), 2: Fraction(7, 4), 3: Fraction(15, 8)}
_MODES = {"maj": "major", "min": "minor", "dor": "dorian", "mix": "mixolydian", "phr": "phrygian", "lyd": "lydian",
          "loc": "locrian"}  # fmt: skip
_SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
    'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def write_musicxml(tune: Tune) -> bytes:
    """Return a tune as a MusicXML file in UTF-8."""
    score = ET.Element("score-partwise", version="4.0")
    ET.SubElement(ET.SubElement(score, "work"), "work-title").text = tune.title
    about = ET.SubElement(score, "identification")
    if tune.composer:
        ET.SubElement(about, "creator", type="composer").text = tune.composer
    ET.SubElement(ET.SubElement(about, "encoding"), "software").text = "ostinato"
    notes = "; ".join(f"{letter}: {text}" for letter, text in tune.information)
    if notes:
        ET.SubElement(ET.SubElement(about, "miscellaneous"), "miscellaneous-field", name="made").text = notes
    part_list = ET.SubElement(score, "part-list")
    ET.SubElement(ET.SubElement(part_list, "score-part", id="P1"), "part-name", {"print-object": "no"}).text = "Tune"
    part = ET.SubElement(score, "part", id="P1")
    _Measures(tune).write(part)
    ET.indent(score)
    return (DOCTYPE + ET.tostring(score, encoding="unicode") + "\n").encode()


class _Measures:
    """A writer of the bars of a tune as measures."""

    def __init__(self, tune: Tune) -> None:
        self._tune, self._durations, self._alterations = tune, durations(tune), alterations(tune)
        self._tuplets = dict(_tuplets(tune))
        self._drawn = [
            time * Fraction(*self._tuplets[place].ratio) if place in self._tuplets else time
            for place, time in enumerate(self._durations)
        ]
        self._beams = beams(tune, self._drawn)
        self._open: set[tuple[str, int]] = set()  # pitches that a tie leads to
        self._read = 0  # up to which element
        self._key: Key = tune.key
        self._meter: Meter | None = tune.meter

    def write(self, part: ET.Element) -> None:
        tune_bars = bars(self._tune)
        number = 0
        for place, bar in enumerate(tune_bars):
            partial = bar.meter is not None and bar.length < bar.meter
            upbeat = partial and place == 0
            number += not upbeat
            measure = ET.SubElement(part, "measure", number=str(number))
            if partial:
                measure.set("implicit", "yes")
            before = tune_bars[place - 1] if place else None
            self._left(measure, bar, before)
            self._inside(measure, bar, first=place == 0)
            self._right(measure, bar, tune_bars[place + 1] if place + 1 < len(tune_bars) else None)

    def _left(self, measure: ET.Element, bar: Bar, before: Bar | None) -> None:
        opens = bar.left in ("|:", "::") or (before is not None and before.right == "::")
        if not opens and not bar.ending:
            return
        line = ET.SubElement(measure, "barline", location="left")
        if opens:
            ET.SubElement(line, "bar-style").text = "heavy-light"
        if bar.ending:
            ET.SubElement(line, "ending", number=bar.ending, type="start")
        if opens:
            ET.SubElement(line, "repeat", direction="forward")

    def _right(self, measure: ET.Element, bar: Bar, after: Bar | None) -> None:
        closes = bar.right in (":|", "::")
        ends = self._ending_at(bar) if bar.right != "|" or after is None else ""
        if bar.right == "|" and after is not None:
            return
        line = ET.SubElement(measure, "barline", location="right")
        ET.SubElement(line, "bar-style").text = "light-light" if bar.right == "||" else "light-heavy"
        if ends:
            ET.SubElement(line, "ending", number=ends, type="stop")
        if closes:
            ET.SubElement(line, "repeat", direction="backward")

    def _ending_at(self, bar: Bar) -> str:
        """Return the ending that a bar belongs to; empty: none."""
        ending = ""
        for one in bars(self._tune):
            ending = one.ending or (ending if one.left == "|" else "")
            if one == bar:
                return ending
        return ""

    def _inside(self, measure: ET.Element, bar: Bar, *, first: bool) -> None:
        before = self._key, self._meter
        for change in self._tune.body[self._read : bar.last]:  # also those between two bar lines
            if isinstance(change, Field) and change.letter == "K":
                self._key = parse_key(change.value)
            elif isinstance(change, Field) and change.letter == "M":
                self._meter = parse_meter(change.value)
        self._read = bar.last
        if first or (self._key, self._meter) != before:
            self._attributes(measure, first=first)
        for place in range(bar.first, bar.last):
            element = self._tune.body[place]
            if isinstance(element, Note | Rest):
                self._note(measure, element, place)
            elif isinstance(element, BarsOfRest):
                self._note(measure, Rest(), place)
            elif isinstance(element, Chord):
                for number, note in enumerate(element.notes):
                    self._note(measure, note, place, number=number, tied=element.tied)

    def _attributes(self, measure: ET.Element, *, first: bool) -> None:
        attributes = ET.SubElement(measure, "attributes")
        if first:
            ET.SubElement(attributes, "divisions").text = str(DIVISIONS)
        key = ET.SubElement(attributes, "key")
        ET.SubElement(key, "fifths").text = str(self._key.fifths)
        ET.SubElement(key, "mode").text = _MODES[self._key.mode]
        if self._meter is not None:
            time = ET.SubElement(attributes, "time")
            ET.SubElement(time, "beats").text = str(self._meter.count)
            ET.SubElement(time, "beat-type").text = str(self._meter.unit)
        if first:
            clef = ET.SubElement(attributes, "clef")
            ET.SubElement(clef, "sign").text = "G"
            ET.SubElement(clef, "line").text = "2"

    def _note(self, measure: ET.Element, note: Note | Rest, place: int, *, number: int = 0, tied: bool = False) -> None:
        element = ET.SubElement(measure, "note", id=note_id(place, number))
        if number:
            ET.SubElement(element, "chord")
        tied = isinstance(note, Note) and (note.tied or tied)
        where = (note.pitch.letter, note.pitch.octave) if isinstance(note, Note) else ("", 0)
        ties = ["stop"] * (where in self._open) + ["start"] * tied
        self._open -= {where}
        self._open |= {where} if tied else set()
        if isinstance(note, Rest):
            ET.SubElement(element, "rest")
        else:
            pitch = ET.SubElement(element, "pitch")
            ET.SubElement(pitch, "step").text = note.pitch.letter
            alteration = self._alterations[place][number]
            if alteration:
                ET.SubElement(pitch, "alter").text = str(alteration)
            ET.SubElement(pitch, "octave").text = str(note.pitch.octave)
        ET.SubElement(element, "duration").text = str(int(self._durations[place] * 4 * DIVISIONS))
        for tie in ties:
            ET.SubElement(element, "tie", type=tie)
        self._look(element, note, place)
        for level, role in enumerate([] if number else self._beams.get(place, ()), 1):
            ET.SubElement(element, "beam", number=str(level)).text = role
        edge = self._tuplets[place].edge if place in self._tuplets and not number else ""
        if ties or edge:
            notations = ET.SubElement(element, "notations")
            for tie in ties:
                ET.SubElement(notations, "tied", type=tie)
            if edge:
                ET.SubElement(notations, "tuplet", type=edge)

    def _look(self, found: ET.Element, note: Note | Rest, place: int) -> None:
        """Add the look of a note: its type, dots, accidental, and the ratio of its tuplet."""
        drawn = self._drawn[place]
        for dots, factor in _DOTS.items():
            if drawn / factor in _TYPES:
                ET.SubElement(found, "type").text = _TYPES[drawn / factor]
                for _ in range(dots):
                    ET.SubElement(found, "dot")
                break
        if isinstance(note, Note) and note.pitch.accidental is not None:
            ET.SubElement(found, "accidental").text = _SIGNS[note.pitch.accidental]
        if place in self._tuplets:
            puts, into = self._tuplets[place].ratio
            change = ET.SubElement(found, "time-modification")
            ET.SubElement(change, "actual-notes").text = str(puts)
            ET.SubElement(change, "normal-notes").text = str(into)


def note_id(place: int, number: int = 0) -> str:
    """Return the id of the note at a place of a tune's body; in a chord, of the note with a number from 0."""
    return f"n{place}" + f"-{number}" * (number > 0)


class _InTuplet(NamedTuple):
    """A note of a tuplet: ``ratio`` (notes, notes whose time they take), and whether it is the first or last."""

    ratio: tuple[int, int]
    edge: str


def _tuplets(tune: Tune) -> Iterator[tuple[int, _InTuplet]]:
    """Yield the place and the ``_InTuplet`` of each note in a tuplet."""
    group: list[int] = []
    left, ratio = 0, (1, 1)
    for place, element in enumerate([*tune.body, BarLine("|")]):
        if isinstance(element, Note | Rest | Chord) and left:
            left -= 1
            group.append(place)
        if group and (not left or isinstance(element, BarLine)):
            edges = {group[0]: "start", group[-1]: "stop"} if len(group) > 1 else {}
            yield from ((one, _InTuplet(ratio, edges.get(one, ""))) for one in group)
            group, left = [], 0
        if isinstance(element, Tuplet):
            left, ratio = element.notes, (element.puts, element.into)
        elif isinstance(element, BarLine):
            left = 0
