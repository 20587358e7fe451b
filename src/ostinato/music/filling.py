"""The fewest tokens that fill a stretch of time with notes, if any do. Times are in whole ticks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

#: Of an eighth: every length, tuplet and broken rhythm of tokens comes out whole.
TICKS = 80_640
#: More tokens than any tune has: it cannot be done.
NEVER = 2**40
_LENGTH = re.compile(r"(\d{0,9})(?:/(\d{1,9}))?")


def shortened(ticks: int, into: int, puts: int, dots: int) -> int:
    """Return a length after a tuplet and a broken rhythm have changed it; -1: it is no whole number of ticks.

    Args:
        ticks: Written length, in ticks.
        into: Number of notes whose time ``puts`` notes of the tuplet take.
        puts: See ``into``; 1 and 1: no tuplet.
        dots: Dots of the broken rhythm before the note: 1, 2, … make it 1/2, 1/4, … as long; -1, -2, … 3/2, 7/4, …
    """
    parts = 1 << abs(dots)
    share = 1 if dots > 0 else 2 * parts - 1 if dots else 1
    quotient, rest = divmod(ticks * into * share, puts * parts)
    return -1 if rest else quotient


class Filling:
    """A table of the fewest tokens that fill stretches of time.

    Args:
        lengths: Lengths that notes can have, in ticks, besides an eighth.
    """

    def __init__(self, lengths: Iterable[int]) -> None:
        self._lengths = [(TICKS, 1), *((length, 2) for length in lengths)]
        self._step = math.gcd(*(length for length, _ in self._lengths))
        self._table = np.zeros(1, dtype=np.int64)  # tokens that fill so many steps
        self._known: dict[tuple[int, ...], int] = {}

    def fewest(self, left: int, notes: int = 0, into: int = 1, puts: int = 1, dots: int = 0, same: int = 0) -> int:
        """Return the fewest tokens that fill the time left; ``NEVER``: none do.

        Args:
            left: Time left, in ticks.
            notes: Number of notes of a tuplet that are still to come.
            into: Number of notes whose time ``puts`` notes of that tuplet take.
            puts: See ``into``.
            dots: Dots of a broken rhythm before the next note.
            same: Written length of that note, in ticks; 0: any.
        """
        key = left, notes, into, puts, dots, same
        tokens = self._known.get(key)
        if tokens is None:
            tokens = self._known[key] = self._fewest(*key)
        return tokens

    def _fewest(self, left: int, notes: int, into: int, puts: int, dots: int, same: int) -> int:
        if not notes and not dots:
            return self._plain(left) if left > 0 else NEVER * (left < 0)
        best, after = NEVER, max(0, notes - 1)
        for length, cost in [(same, 1 + (same != TICKS))] if same else self._lengths:
            taken = shortened(length, into, puts, dots)
            if 0 < taken <= left:
                rest = self.fewest(left - taken, after, into, puts) if after else self.fewest(left - taken)
                best = min(best, cost + rest)
        return best

    def _plain(self, left: int) -> int:
        place, rest = divmod(left, self._step)
        if rest:
            return NEVER
        if place >= len(self._table):
            self._table = self._filled(place + 1)
        return int(self._table[place])

    def _filled(self, size: int) -> NDArray[np.int64]:
        """Return the fewest tokens for every number of steps below a size, adding notes until that helps no more."""
        table = np.full(size, NEVER, dtype=np.int64)
        table[0] = 0
        while True:
            before = table.copy()
            for length, cost in self._lengths:
                steps = length // self._step
                table[steps:] = np.minimum(table[steps:], table[: max(0, size - steps)] + cost)
            if (table == before).all():
                return table


def as_ticks(token: str) -> int | None:
    """Return the length that a token stands for, in ticks; ``None``: it stands for none."""
    match = _LENGTH.fullmatch(token)
    if not match or not token:
        return None
    length = Fraction(int(match[1] or 1), int(match[2] or 1)) * TICKS
    return int(length) if length.denominator == 1 and length > 0 else None
