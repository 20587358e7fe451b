"""How long everything in a tune lasts, in whole notes, with tuplets, broken rhythm and changes of unit."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ostinato.music.elements import BarLine, BarsOfRest, Broken, Chord, Field, Note, Rest, Tuplet
from ostinato.music.meter import parse_meter
from ostinato.music.tune import Tune

_NOTHING = Fraction(0)


def durations(tune: Tune) -> list[Fraction]:
    """Return the duration of each element of a tune's body in whole notes; of what takes no time it is 0.

    A tuplet or a broken rhythm that a bar line cuts off ends there.
    """
    clock = _Clock(tune)
    found: list[Fraction] = []
    for element in tune.body:
        if isinstance(element, Broken):
            clock.shorter = _break(found, clock.last, element.dots)
        found.append(clock.duration(element))
        if found[-1] and not isinstance(element, BarsOfRest):
            clock.last = len(found) - 1
    return found


def meters(tune: Tune) -> Iterator[Fraction | None]:
    """Yield the length of a bar, in whole notes, that holds at each element; ``None`` where there is no meter."""
    bar = None if tune.meter is None else tune.meter.bar
    for element in tune.body:
        if isinstance(element, Field) and element.letter == "M":
            meter = parse_meter(element.value)
            bar = None if meter is None else meter.bar
        yield bar


class _Clock:
    """What the length of the next note depends on."""

    def __init__(self, tune: Tune) -> None:
        self.unit, self.last, self.shorter = tune.unit, -1, Fraction(1)
        self._bars = meters(tune)
        self._left, self._ratio = 0, Fraction(1)

    def duration(self, element: object) -> Fraction:
        """The duration of the next element."""
        bar = next(self._bars)
        match element:
            case Tuplet():
                self._left, self._ratio = element.notes, Fraction(element.into, element.puts)
            case BarLine():
                self._left, self.shorter, self.last = 0, Fraction(1), -1
            case Field(letter="L"):
                self.unit = Fraction(element.value)
            case BarsOfRest():
                return element.bars * (Fraction(1) if bar is None else bar)
            case Note() | Rest():
                return self._timed(element.length)
            case Chord():
                return self._timed(element.length * element.notes[0].length)
        return _NOTHING

    def _timed(self, length: Fraction) -> Fraction:
        ratio = self._ratio if self._left else Fraction(1)
        self._left = max(0, self._left - 1)
        shorter, self.shorter = self.shorter, Fraction(1)
        return length * self.unit * ratio * shorter


def _break(found: list[Fraction], last: int, dots: int) -> Fraction:
    """Make the note before a broken rhythm longer or shorter; return what the next one is multiplied with."""
    small = Fraction(1, 2 ** abs(dots))
    before, after = (2 - small, small) if dots > 0 else (small, 2 - small)
    if last >= 0:
        found[last] *= before
    return after
