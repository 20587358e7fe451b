"""The longest runs of notes that a tune shares with a corpus, in any key and any rhythm; and the nearest tune."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ostinato.music.likeness import intervals, melody
from ostinato.music.tune import Tune

_SHORTEST = 5  # intervals of a run; shorter ones are everywhere
_ALIKE = 4  # intervals of the windows that say which tunes may be near
_CANDIDATES = 24  # tunes that are compared in full
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that powers of it never vanish


@dataclass(frozen=True)
class Copied:
    """A run of notes that a tune of a corpus has as well.

    Attributes:
        notes: Number of notes.
        first: Index of its first note in the tune, from 0.
        time: Duration in the tune, in whole notes.
        source: Number of the tune in the corpus.
        source_first: Index of its first note in that tune, from 0.
    """

    notes: int
    first: int
    time: Fraction
    source: int
    source_first: int


@dataclass(frozen=True)
class Near:
    """The tune of a corpus that is most like another one.

    Attributes:
        source: Its number in the corpus.
        distance: Fewest intervals to insert, delete or change (Levenshtein), as a share of the longer one: 0 is the
            same melody in any key.
    """

    source: int
    distance: float


class Melodies:
    """The melodies of a corpus, searched for runs that another tune has as well.

    Windows of intervals are looked up by their hashes, in one sorted array for each length that is asked for.

    Args:
        corpus: The ``intervals`` of every tune.
    """

    def __init__(self, corpus: Sequence[Sequence[int]]) -> None:
        self._steps = [np.array(steps, dtype=np.int64) for steps in corpus]
        lengths = np.array([len(steps) for steps in self._steps], dtype=np.int64)
        self._first = np.concatenate([[0], np.cumsum(lengths)])
        flat = np.concatenate([*self._steps, np.zeros(0, dtype=np.int64)])
        # What is left of its tune at every place, so that no window reaches into the next one.
        self._left = np.repeat(self._first[1:], lengths) - np.arange(len(flat))
        self._hashes = _Hashes(flat)
        self._windows: dict[int, tuple[NDArray[np.uint64], NDArray[np.int64]]] = {}

    def longest(self, tune: Tune) -> Copied | None:
        """Return the longest run that a tune shares with the corpus; ``None``: none is as long as six notes."""
        runs = self.runs(tune)
        return max(runs, key=lambda copied: copied.notes, default=None)

    def runs(self, tune: Tune) -> list[Copied]:
        """Return the longest copied run from each note on, except those that are part of the one before."""
        notes = melody(tune)
        steps = np.array(intervals(tune), dtype=np.int64)
        lengths = self._matches(steps)
        runs: list[Copied] = []
        for at, length in enumerate(lengths.tolist()):
            if length < _SHORTEST or (runs and runs[-1].first + runs[-1].notes >= at + 1 + length):
                continue
            last = notes[at + length]
            place = self._place(steps[at : at + length])
            source = int(np.searchsorted(self._first, place, side="right")) - 1
            time = last.start + last.duration - notes[at].start
            runs.append(Copied(length + 1, at, time, source, place - int(self._first[source])))
        return runs

    def too_long(self, tune: Tune, most: Fraction) -> int | None:
        """Return the first note with which a copied run lasts longer than ``most`` whole notes; ``None``: none does."""
        notes = melody(tune)
        crossings = []
        for at, length in enumerate(self._matches(np.array(intervals(tune), dtype=np.int64)).tolist()):
            limit = notes[at].start + most
            beyond = (n for n in range(at + _SHORTEST, at + length + 1) if notes[n].start + notes[n].duration > limit)
            crossings += [next(beyond, len(notes))]
        first = min(crossings, default=len(notes))
        return None if first == len(notes) else first

    def nearest(self, tune: Tune) -> Near | None:
        """Return the tune of the corpus that is most like another one; ``None``: the corpus is empty."""
        steps = intervals(tune)
        own = _Hashes(np.array(steps, dtype=np.int64)).windows(_ALIKE)
        hashes, places = self._sorted(_ALIKE)
        common = places[np.isin(hashes, own)]
        counts = np.bincount(np.searchsorted(self._first, common, side="right") - 1, minlength=len(self._steps))
        share = counts / np.maximum(1, [len(one) for one in self._steps])
        best = np.argsort(-share, kind="stable")[:_CANDIDATES].tolist()
        return min(self._distances(steps, best), key=lambda near: (near.distance, near.source), default=None)

    def _distances(self, steps: Sequence[int], sources: Sequence[int]) -> Iterator[Near]:
        for source in sources:
            yield Near(source, Levenshtein.normalized_distance(steps, self._steps[source].tolist()))

    def _matches(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each interval the length of the longest run from it on that the corpus has, by bisection."""
        hashes = _Hashes(steps)
        low = np.zeros(len(steps), dtype=np.int64)
        high = np.minimum(len(steps) - np.arange(len(steps)), self._left.max(initial=0))
        while (open_ := np.flatnonzero(low < high)).size:
            middle = (low[open_] + high[open_] + 1) // 2
            has = np.zeros(len(open_), dtype=bool)
            for length in np.unique(middle).tolist():
                which = middle == length
                known, _ = self._sorted(length)
                has[which] = _contains(known, hashes.at(open_[which], length))
            low[open_[has]] = middle[has]
            high[open_[~has]] = middle[~has] - 1
        return low

    def _place(self, steps: NDArray[np.int64]) -> int:
        """Return the first place of a run in the corpus."""
        hashes, places = self._sorted(len(steps))
        wanted = _Hashes(steps).windows(len(steps))[0]
        return int(places[int(np.searchsorted(hashes, wanted)) :][: int((hashes == wanted).sum())].min())

    def _sorted(self, length: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the hashes of all windows of a length, sorted, and the place of each."""
        windows = self._windows.get(length)
        if windows is None:
            places = np.flatnonzero(self._left >= length)
            hashes = self._hashes.at(places, length)
            order = np.argsort(hashes, kind="stable")
            windows = self._windows[length] = hashes[order], places[order]
        return windows


def _contains(known: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    matches: NDArray[np.bool_] = known[places] == wanted
    return matches


class _Hashes:
    """Hashes of all windows of a sequence, each in two operations (Rabin and Karp 1987).

    Args:
        steps: The sequence, [N].
    """

    def __init__(self, steps: NDArray[np.int64]) -> None:
        values = _mixed((steps + 1).astype(np.uint64))
        self._powers = np.cumprod(np.concatenate([[np.uint64(1)], np.full(len(steps), _BASE)]), dtype=np.uint64)
        # Of the first n: the sum of value i times power i, so windows are compared after division by their first power.
        self._sums = np.concatenate([[np.uint64(0)], np.cumsum(values * self._powers[:-1], dtype=np.uint64)])
        inverse = np.uint64(pow(int(_BASE), -1, 2**64))
        self._inverses = np.cumprod(np.concatenate([[np.uint64(1)], np.full(len(steps), inverse)]), dtype=np.uint64)

    def at(self, places: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
        """Return the hashes of the windows of a length that begin at some places."""
        sums: NDArray[np.uint64] = (self._sums[places + length] - self._sums[places]) * self._inverses[places]
        return sums

    def windows(self, length: int) -> NDArray[np.uint64]:
        """Return the hashes of all windows of a length."""
        return self.at(np.arange(max(0, len(self._sums) - length)), length)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread small numbers over 64 bits (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
