"""The bars of a tune, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ostinato.music.elements import BarLine, BarsOfRest, Ending, Field
from ostinato.music.timing import durations, meters
from ostinato.music.tune import Tune

#: What a tune begins and ends with, if no bar line is written there.
EDGE = ""


@dataclass(frozen=True)
class Bar:
    """A bar: what stands between two bar lines, and takes time.

    Attributes:
        first: Index of its first element in the tune's body.
        last: Index after its last element: that of the bar line, or the end.
        left: The bar line before it; ``EDGE``: none is written.
        right: The bar line after it; ``EDGE``: none is written.
        length: Length in whole notes.
        meter: Length of a bar by the meter, in whole notes; ``None``: the tune has no meter.
        ending: The variant ending that begins with it; empty: none.
        before_ending: Whether a variant ending begins after it, which may cut a bar in two.
        rests: Whether it stands for whole bars of rest, however many.
    """

    first: int
    last: int
    left: str
    right: str
    length: Fraction
    meter: Fraction | None
    ending: str = ""
    before_ending: bool = False
    rests: bool = False

    @property
    def is_interior(self) -> bool:
        """Whether plain bar lines stand on both sides, so that it is no upbeat and not the last of a part or ending."""
        return self.left == "|" and self.right == "|" and not self.ending and not self.before_ending

    @property
    def is_right(self) -> bool:
        """Whether it is as long as the meter says."""
        return self.meter is None or self.rests or self.length == self.meter


def bars(tune: Tune) -> list[Bar]:
    """Return the bars of a tune; bar lines with nothing between them make none."""
    return list(_bars(tune))


def _bars(tune: Tune) -> Iterator[Bar]:
    times, lengths = durations(tune), list(meters(tune))
    first, left, ending, length = 0, EDGE, "", Fraction(0)
    for place, element in enumerate([*tune.body, BarLine(EDGE)]):
        if isinstance(element, Ending):
            ending = element.times
        elif isinstance(element, BarLine):
            if length:
                inside = tune.body[first:place]
                rests = any(isinstance(one, BarsOfRest) for one in inside)
                before = isinstance(next(iter(tune.body[place + 1 : place + 2]), None), Ending)
                yield Bar(first, place, left, element.kind, length, lengths[place - 1], ending, before, rests)
                ending = ""
            left = _stronger(left, element.kind) if not length and place else element.kind
            first, length = place + 1, Fraction(0)
        else:
            if times[place]:
                length += times[place]
            if isinstance(element, Field) and element.letter == "P" and not length:
                left = _stronger(left, EDGE)  # a part begins


def _stronger(one: str, other: str) -> str:
    """Return the bar line that two make with nothing between them: a plain one counts least."""
    return one if other == "|" else other


@dataclass(frozen=True)
class Check:
    """The result of checking that the bars of a tune add up.

    Attributes:
        interior: Number of bars with a plain bar line on both sides.
        right: Number of these that are as long as the meter says.
        wrong: The others of these, and bars at the edge of a part that are too long.
    """

    interior: int
    right: int
    wrong: tuple[Bar, ...]

    @property
    def is_clean(self) -> bool:
        """Whether all interior bars are right and no other is too long."""
        return not self.wrong


def check(tune: Tune) -> Check:
    """Check the bars of a tune."""
    measures = bars(tune)
    interior = [bar for bar in measures if bar.is_interior]
    wrong = [bar for bar in measures if _is_wrong(bar)]
    return Check(len(interior), sum(bar.is_right for bar in interior), tuple(wrong))


def _is_wrong(bar: Bar) -> bool:
    if bar.is_right:
        return False
    return bar.is_interior or (bar.meter is not None and bar.length > bar.meter)
