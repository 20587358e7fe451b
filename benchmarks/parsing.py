"""Our reader of ABC notation beside music21's, on the corpora: pitches, durations and bars, tune by tune.

    OSTINATO_DATA=… python benchmarks/parsing.py [BOOK …]

Grace notes are left out on both sides. Where they differ, what music21 10.5 reads otherwise is tried as the reason, and
several such readings together: the fewest that make both hear the same starts, durations and pitches are named.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction
from typing import Any

import music21

from common import report
from folk_data import BOOKS, book
from ostinato.music import (
    BarLine,
    Chord,
    Decoration,
    Element,
    Field,
    Grace,
    Note,
    Rest,
    Slur,
    Text,
    Tune,
    parse_key,
    read_tunebook,
    write_tune,
)
from ostinato.music.sounding import tones

_ALL = (*BOOKS, "nottingham")
_SHOWN = 12  # differences named for each kind
_FINE = 5040 * 16
_READINGS = {
    "signs": "its signs hold for one note, not to the bar line",
    "keys": "it misses changes of key",
    "units": "it misses changes of the unit length",
    "ties": "it reads ties otherwise (compared without any)",
    "marks": "it trips over decorations, slurs, grace notes, invisible rests or information fields (compared without "
    "any; our notes are the same without them)",
}
_MARKS = (Decoration, Grace, Slur, Text)


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for name in sys.argv[1:] or _ALL:
        found = [one.tune for one in read_tunebook(book(name).read_text().splitlines()) if not one.problems]
        kinds: Counter[str] = Counter()
        shown: Counter[str] = Counter()
        for tune in found:
            kind, told = compare(tune)
            kinds[kind] += 1
            if kind != "same" and shown[kind] < _SHOWN:
                shown[kind] += 1
                print(f"{name} {tune.number} {tune.title!r}: {kind}: {told}", flush=True)
        rows.append({"book": name, "tunes": len(found), **kinds})
    report("parsing", rows)


def compare(tune: Tune) -> tuple[str, str]:
    """Say whether both hear the same notes, and if not, why, or where they part."""
    theirs = Heard(tune)
    try:
        joined = theirs.notes(())
    except Exception as error:  # whatever a peer raises is a row of the table
        return f"music21: {type(error).__name__}", str(error)[:100]
    ours = notes_of(tune)
    if ours == joined:
        return "same", ""
    assert notes_of(without(tune, {"marks"})) == ours
    for size in range(1, len(_READINGS) + 1):
        for read in itertools.combinations(_READINGS, size):
            if as_read(tune, read) == theirs.notes(read):
                return " + ".join(read), "; ".join(_READINGS[one] for one in read)
    place = next((n for n, (a, b) in enumerate(zip(ours, joined, strict=False)) if a != b), -1)
    return "not explained", f"note {place}: ours {ours[place]}, theirs {joined[place]}"


class Heard:
    """What music21 hears of a tune, and of the tune without ties, or without what stands beside its notes."""

    def __init__(self, tune: Tune) -> None:
        self._tune, self._known = tune, dict[frozenset[str], list[tuple[Fraction, Fraction, int]]]()

    def notes(self, read: Collection[str]) -> list[tuple[Fraction, Fraction, int]]:
        """Start, duration and MIDI number of every note, without the ``ties`` or ``marks`` that are named."""
        left_out = frozenset(read) & {"ties", "marks"}
        if left_out not in self._known:
            score = music21.converter.parse(write_tune(without(self._tune, left_out)), format="abc")
            self._known[left_out] = heard(score)
        return self._known[left_out]


def without(tune: Tune, left_out: Collection[str]) -> Tune:
    """A tune without ``ties``, or without ``marks``: what stands beside its notes."""
    body: list[Element] = list(tune.body)
    if "ties" in left_out:
        body = [_untied(element) for element in body]
    if "marks" not in left_out:
        return replace(tune, body=tuple(body))
    body = [one for one in body if not isinstance(one, _MARKS) and not _is_part(one)]
    body = [replace(one, visible=True) if isinstance(one, Rest) else one for one in body]
    return replace(tune, body=tuple(body), information=(), titles=("",), rhythm="")


def notes_of(tune: Tune) -> list[tuple[Fraction, Fraction, int]]:
    """The same as ours."""
    return sorted((tone.start, tone.duration, tone.midi) for tone in tones(tune))


def _is_part(element: Element) -> bool:
    return isinstance(element, Field) and element.letter not in "KLM"


def as_read(tune: Tune, read: Collection[str]) -> list[tuple[Fraction, Fraction, int]]:
    """Start, duration and MIDI number of every note, as someone hears them who reads some things otherwise."""
    missed = {letter for letter, kind in (("K", "keys"), ("L", "units")) if kind in read}
    body = [element for element in tune.body if not (isinstance(element, Field) and element.letter in missed)]
    changed = without(replace(tune, body=tuple(body)), {"ties"} & set(read))
    own = sorted(tones(changed), key=lambda tone: (tone.place, tone.midi))
    heights = _heights(changed, {tone.place for tone in own}, hold="signs" not in read)
    return sorted((tone.start, tone.duration, midi) for tone, midi in zip(own, heights, strict=True))


def _untied(element: Element) -> Element:
    if isinstance(element, Chord):
        return replace(element, tied=False, notes=tuple(replace(note, tied=False) for note in element.notes))
    return replace(element, tied=False) if isinstance(element, Note) else element


def _heights(tune: Tune, places: Collection[int], *, hold: bool) -> list[int]:
    """The MIDI numbers of the notes at some places, lower notes of chords first; signs hold to the bar line or not."""
    signature, signs, found = tune.key.signature, dict[tuple[str, int], int](), []
    for place, element in enumerate(tune.body):
        if isinstance(element, BarLine):
            signs = {}
        elif isinstance(element, Field) and element.letter == "K":
            signature, signs = parse_key(element.value).signature, {}
        elif isinstance(element, Note | Chord):
            notes = element.notes if isinstance(element, Chord) else (element,)
            own = []
            for pitch in (note.pitch for note in notes):
                where = pitch.letter, pitch.octave
                if pitch.accidental is not None:
                    signs[where] = pitch.accidental
                held = signs.get(where) if hold or pitch.accidental is not None else None
                own.append(pitch.midi(signature[pitch.letter] if held is None else held))
            found += sorted(own) if place in places else []
    return found


def heard(score: Any) -> list[tuple[Fraction, Fraction, int]]:
    """Every note as music21 hears it: start and duration in whole notes, MIDI number; ties joined."""
    part = score.parts[0] if score.parts else score
    flat = part.stripTies().flatten()
    notes = []
    for note in flat.notes:
        if note.duration.isGrace or isinstance(note, music21.harmony.ChordSymbol):
            continue
        for pitch in note.pitches:
            notes.append((_whole(note.offset), _whole(note.duration.quarterLength), pitch.midi))
    return sorted(notes)


def _whole(quarters: Any) -> Fraction:
    return Fraction(quarters).limit_denominator(_FINE) / 4


if __name__ == "__main__":
    main()
