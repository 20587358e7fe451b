"""Our reader of ABC notation beside music21's, on the corpora: pitches, durations and bars, tune by tune.

    OSTINATO_DATA=… python benchmarks/parsing.py [BOOK …]

Grace notes are left out on both sides. Where pitches differ, two things that music21 10.5 does are tried as reasons: it
lets a sign hold for its own note only, and not to the bar line; and it misses changes of key inside a tune.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import music21

from common import report
from folk_data import BOOKS, book
from ostinato.music import BarLine, Chord, Field, Note, Tune, parse_key, read_tunebook, write_tune
from ostinato.music.sounding import tones

_ALL = (*BOOKS, "nottingham")
_SHOWN = 12  # differences named for each kind
_FINE = 5040 * 16
_REASONS = {
    "its signs hold for one note": {"carry": False, "changes": True},
    "it misses changes of key": {"carry": True, "changes": False},
    "both": {"carry": False, "changes": False},
}


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
    """Say whether both hear the same notes, and if not, where they part."""
    try:
        theirs = list(heard(tune))
    except Exception as error:  # whatever a peer raises is a row of the table
        return f"music21: {type(error).__name__}", str(error)[:100]
    ours = sorted((tone.start, tone.duration, tone.midi) for tone in tones(tune))
    if ours == theirs:
        return "same", ""
    heights = [one[2] for one in theirs]
    if len(ours) == len(theirs) and [one[2] for one in ours] != heights:
        for kind, options in _REASONS.items():
            if sorted_heights(tune, **options) == heights:
                return kind, ""
    if [one[2] for one in ours] == heights:
        place = next(n for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        return "durations", f"note {place}: ours {ours[place]}, theirs {theirs[place]}"
    place = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a[2] != b[2]), -1)
    told = (
        f"note {place}: ours {ours[place]}, theirs {theirs[place]}"
        if place >= 0
        else f"{len(ours)} notes, {len(theirs)}"
    )
    return ("number of notes" if len(ours) != len(theirs) else "pitches"), told


def sorted_heights(tune: Tune, *, carry: bool, changes: bool) -> list[int]:
    """The MIDI numbers of a tune's notes, read as music21 may read them; ties joined, lower notes of chords first."""
    signature, signs, found = tune.key.signature, dict[tuple[str, int], int](), []
    first = {tone.place for tone in tones(tune)}  # not what a tie leads to
    for place, element in enumerate(tune.body):
        if isinstance(element, BarLine):
            signs = {}
        elif isinstance(element, Field) and element.letter == "K" and changes:
            signature, signs = parse_key(element.value).signature, {}
        elif isinstance(element, Note | Chord):
            notes = element.notes if isinstance(element, Chord) else (element,)
            own = []
            for pitch in (note.pitch for note in notes):
                where = pitch.letter, pitch.octave
                if pitch.accidental is not None:
                    signs[where] = pitch.accidental
                held = signs.get(where) if carry or pitch.accidental is not None else None
                own.append(pitch.midi(signature[pitch.letter] if held is None else held))
            found += sorted(own) if place in first else []
    return found


def heard(tune: Tune) -> Iterator[tuple[Fraction, Fraction, int]]:
    """Every note as music21 hears it: start and duration in whole notes, MIDI number; ties joined."""
    score: Any = music21.converter.parse(write_tune(tune), format="abc")
    part = score.parts[0] if score.parts else score
    flat = part.stripTies().flatten()
    notes = []
    for note in flat.notes:
        if note.duration.isGrace or isinstance(note, music21.harmony.ChordSymbol):
            continue
        for pitch in note.pitches:
            notes.append((_whole(note.offset), _whole(note.duration.quarterLength), pitch.midi))
    yield from sorted(notes)


def _whole(quarters: Any) -> Fraction:
    return Fraction(quarters).limit_denominator(_FINE) / 4


if __name__ == "__main__":
    main()
