"""The longest runs of notes that a tune has in common with a corpus, in any key and any rhythm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ostinato.music.likeness import intervals, melody
from ostinato.music.tune import Tune

_SEED = 6  # notes of a run that is looked up; shorter ones are everywhere


@dataclass(frozen=True)
class Copied:
    """A run of notes that another tune has as well.

    Attributes:
        notes: How many.
        first: Which note of the tune it begins with, from 0.
        time: How long it lasts in the tune, in whole notes.
        source: Number of the tune in the corpus.
        source_first: Which note of that it begins with.
    """

    notes: int
    first: int
    time: Fraction
    source: int
    source_first: int


class Melodies:
    """A corpus of tunes, asked what another one has from it.

    Args:
        tunes: The corpus.
    """

    def __init__(self, tunes: Sequence[Tune]) -> None:
        self._steps = [intervals(tune) for tune in tunes]
        self._places: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        for number, steps in enumerate(self._steps):
            for at in range(len(steps) - _SEED + 2):
                self._places[tuple(steps[at : at + _SEED - 1])].append((number, at))

    def longest(self, tune: Tune) -> Copied | None:
        """Return the longest run that a tune has from the corpus; ``None``: none is as long as six notes."""
        found = self.runs(tune)
        return max(found, key=lambda copied: copied.notes, default=None)

    def runs(self, tune: Tune) -> list[Copied]:
        """Return the longest copied run from each note on, but for those that are parts of the one before."""
        steps, notes = intervals(tune), melody(tune)
        found: list[Copied] = []
        for at in range(len(steps) - _SEED + 2):
            best = (0, 0, 0)
            for number, place in self._places.get(tuple(steps[at : at + _SEED - 1]), ()):
                length = _common(steps, at, self._steps[number], place)
                best = max(best, (length, -number, -place))
            if best[0] and not (found and found[-1].first + found[-1].notes >= at + 1 + best[0]):
                last = notes[at + best[0]]
                time = last.start + last.duration - notes[at].start
                found.append(Copied(best[0] + 1, at, time, -best[1], -best[2]))
        return found


def _common(one: Sequence[int], at: int, other: Sequence[int], place: int) -> int:
    """How many steps two melodies have in common from two places on."""
    length = 0
    while at + length < len(one) and place + length < len(other) and one[at + length] == other[place + length]:
        length += 1
    return length
