"""Durations of the elements of a tune, in whole notes, with tuplets, broken rhythm and changes of unit."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ostinato.music.elements import BarLine, BarsOfRest, Broken, Chord, Field, Note, Rest, Tuplet
from ostinato.music.meter import parse_meter
from ostinato.music.tune import Tune

_NOTHING, _AS_IS = Fraction(0), Fraction(1)


def durations(tune: Tune) -> list[Fraction]:
    """Return the duration of each element of a tune's body in whole notes; 0: it takes no time.

    A tuplet or a broken rhythm that a bar line cuts off ends there.
    """
    clock = _Clock(tune)
    times: list[Fraction] = []
    for element in tune.body:
        if isinstance(element, Broken):
            clock.shorter = _break(times, clock.last, element.dots)
        times.append(clock.duration(element))
        if times[-1] and not isinstance(element, BarsOfRest):
            clock.last = len(times) - 1
    return times


def meters(tune: Tune) -> Iterator[Fraction | None]:
    """Yield the length of a bar, in whole notes, that holds at each element; ``None`` where there is no meter."""
    bar = None if tune.meter is None else tune.meter.bar
    for element in tune.body:
        if isinstance(element, Field) and element.letter == "M":
            meter = parse_meter(element.value)
            bar = None if meter is None else meter.bar
        yield bar


class _Clock:
    """The state that the duration of the next note depends on."""

    def __init__(self, tune: Tune) -> None:
        self.unit, self.last, self.shorter = tune.unit, -1, _AS_IS
        self._bars = meters(tune)
        self._left, self._ratio = 0, _AS_IS
        self._plain: dict[tuple[int, int], Fraction] = {}  # what lengths make with this unit

    def duration(self, element: object) -> Fraction:
        """Return the duration of the next element."""
        bar = next(self._bars)
        match element:
            case Tuplet():
                self._left, self._ratio = element.notes, Fraction(element.into, element.puts)
            case BarLine():
                self._left, self.shorter, self.last = 0, _AS_IS, -1
            case Field(letter="L"):
                self.unit, self._plain = Fraction(element.value), {}
            case BarsOfRest():
                return element.bars * (Fraction(1) if bar is None else bar)
            case Note() | Rest():
                return self._timed(element.length)
            case Chord():
                return self._timed(element.length * element.notes[0].length)
        return _NOTHING

    def _timed(self, length: Fraction) -> Fraction:
        # Multiplying fractions is what reading a tunebook would spend its time on: nearly all lengths are plain.
        key = length.numerator, length.denominator
        time = self._plain.get(key)
        if time is None:
            time = self._plain[key] = length * self.unit
        if self._left:
            self._left -= 1
            time *= self._ratio
        if self.shorter is not _AS_IS:
            time *= self.shorter
            self.shorter = _AS_IS
        return time


def _break(found: list[Fraction], last: int, dots: int) -> Fraction:
    """Make the note before a broken rhythm longer or shorter; return the factor of the next one."""
    small = Fraction(1, 2 ** abs(dots))
    before, after = (2 - small, small) if dots > 0 else (small, 2 - small)
    if last >= 0:
        found[last] *= before
    return after
