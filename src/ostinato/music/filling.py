"""In how few tokens a stretch of time can be filled with notes; whether it can at all. In whole ticks."""

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
    """What a tuplet and a broken rhythm make of a length; -1 where that is no whole number of ticks.

    Args:
        ticks: The length as it is written.
        into: The time that ``puts`` notes are put into.
        puts: See there; 1 and 1: no tuplet.
        dots: Of the broken rhythm before the note: after 1, 2, … it gets 1/2, 1/4, …; after -1, … the rest of 2.
    """
    parts = 1 << abs(dots)
    share = 1 if dots > 0 else 2 * parts - 1 if dots else 1
    found, rest = divmod(ticks * into * share, puts * parts)
    return -1 if rest else found


class Filling:
    """How stretches of time can be filled.

    Args:
        lengths: What notes can be made as long as, in ticks, besides an eighth.
    """

    def __init__(self, lengths: Iterable[int]) -> None:
        self._lengths = [(TICKS, 1), *((length, 2) for length in lengths)]
        self._step = math.gcd(*(length for length, _ in self._lengths))
        self._table = np.zeros(1, dtype=np.int64)  # tokens that fill so many steps
        self._known: dict[tuple[int, ...], int] = {}

    def fewest(self, left: int, notes: int = 0, into: int = 1, puts: int = 1, dots: int = 0, same: int = 0) -> int:
        """Return in how few tokens the time left can be filled; ``NEVER`` where it cannot.

        Args:
            left: Ticks.
            notes: Of a tuplet that has begun: so many have to come.
            into: Of that tuplet.
            puts: Of that tuplet.
            dots: Of a broken rhythm before the next note.
            same: The length that this note is written with; 0: any.
        """
        key = left, notes, into, puts, dots, same
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._fewest(*key)
        return found

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
        """Tokens for every number of steps below a size: more and more notes, until that helps no more."""
        found = np.full(size, NEVER, dtype=np.int64)
        found[0] = 0
        while True:
            before = found.copy()
            for length, cost in self._lengths:
                steps = length // self._step
                found[steps:] = np.minimum(found[steps:], found[: max(0, size - steps)] + cost)
            if (found == before).all():
                return found


def as_ticks(token: str) -> int | None:
    """The length that a token stands for; ``None``: it is none."""
    found = _LENGTH.fullmatch(token)
    if not found or not token:
        return None
    length = Fraction(int(found[1] or 1), int(found[2] or 1)) * TICKS
    return int(length) if length.denominator == 1 and length > 0 else None
