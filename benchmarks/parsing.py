"""Our reader of ABC notation beside music21's, on the corpora: pitches, durations and bars, tune by tune.

    OSTINATO_DATA=… python benchmarks/parsing.py [BOOK …]

Grace notes are left out on both sides. Needs music21 (the extra ``bench``).
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
from ostinato.music import Tune, read_tunebook, write_tune
from ostinato.music.sounding import tones

_ALL = (*BOOKS, "nottingham")
_SHOWN = 12  # differences named for each kind
_FINE = 5040 * 16


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
    if [one[2] for one in ours] == [one[2] for one in theirs]:
        place = next(n for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        return "durations", f"note {place}: ours {ours[place]}, theirs {theirs[place]}"
    place = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a[2] != b[2]), -1)
    told = (
        f"note {place}: ours {ours[place]}, theirs {theirs[place]}"
        if place >= 0
        else f"{len(ours)} notes, {len(theirs)}"
    )
    return ("number of notes" if len(ours) != len(theirs) else "pitches"), told


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
