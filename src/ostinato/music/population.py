"""Statistics of a number of tunes: counts of notes, steps, lengths and last notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ostinato.music.likeness import melody
from ostinato.music.tune import Tune

_OCTAVE = 12
#: Semitones above the tonic.
DEGREES = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")


@dataclass
class Population:
    """Counts over tunes; keys are texts, so that it can be kept as JSON.

    Attributes:
        tunes: Number of tunes.
        pitches: Notes by ``DEGREES``.
        intervals: Steps from note to note, in semitones; more than an octave counts as one.
        durations: Lengths of notes, in whole notes.
        transitions: Pairs of ``DEGREES`` that follow each other, as ``"1 5"``.
        finals: Last notes by ``DEGREES``.
    """

    tunes: int = 0
    pitches: Counter[str] = field(default_factory=Counter)
    intervals: Counter[str] = field(default_factory=Counter)
    durations: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    finals: Counter[str] = field(default_factory=Counter)

    def add(self, tune: Tune) -> None:
        """Add a tune to the counts."""
        notes = melody(tune)
        degrees = [DEGREES[(tone.midi - tune.key.tonic) % _OCTAVE] for tone in notes]
        steps = (after.midi - before.midi for before, after in pairwise(notes))
        self.tunes += 1
        self.pitches.update(degrees)
        self.intervals.update(str(max(-_OCTAVE, min(_OCTAVE, step))) for step in steps)
        self.durations.update(str(tone.duration) for tone in notes)
        self.transitions.update(f"{before} {after}" for before, after in pairwise(degrees))
        self.finals.update(degrees[-1:])

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {"tunes": self.tunes, **{name: dict(vars(self)[name]) for name in KINDS}}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Population:
        """Build the counts that ``to_json`` returned."""
        return cls(found["tunes"], *(Counter(found[name]) for name in KINDS))


#: What is counted, by the names of ``Population``.
KINDS = ("pitches", "intervals", "durations", "transitions", "finals")


def population(tunes: Iterable[Tune]) -> Population:
    """Return the counts over tunes."""
    counts = Population()
    for tune in tunes:
        counts.add(tune)
    return counts


def difference(one: Population, other: Population) -> dict[str, float]:
    """Return the distance of two populations in each kind of count: half the sum of differences of shares (total
    variation), from 0 to 1."""
    return {kind: _variation(vars(one)[kind], vars(other)[kind]) for kind in KINDS}


def _variation(one: Counter[str], other: Counter[str]) -> float:
    a, b = max(1, one.total()), max(1, other.total())
    return sum(abs(one[key] / a - other[key] / b) for key in one.keys() | other.keys()) / 2
