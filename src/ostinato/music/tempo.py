"""Tempos of tunes."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from ostinato.music.dances import DANCES, dance_of
from ostinato.music.meter import Meter
from ostinato.music.tune import Tune

_ELSE = 120
_WRITTEN = re.compile(r"(?:(\d{1,9})/(\d{1,9})\s*=\s*)?(\d{1,9})")


def beat(meter: Meter | None) -> Fraction:
    """Return the beat that is counted, in whole notes."""
    if meter is None:
        return Fraction(1, 4)
    return Fraction(3, meter.unit) if meter.is_compound else Fraction(1, min(meter.unit, 4))


def with_tempo(tune: Tune, beats: int) -> Tune:
    """Return a tune with a tempo in beats a minute."""
    unit = beat(tune.meter)
    return replace(tune, tempo=f"{unit.numerator}/{unit.denominator}={beats}")


def whole_notes_per_minute(tune: Tune) -> Fraction:
    """Return the tempo of a tune: the written one (``1/4=120``), else the usual one of its dance."""
    match = _WRITTEN.search(re.sub(r'"[^"]*"', "", tune.tempo))
    dance = DANCES.get(dance_of(tune.rhythm))
    usual = _ELSE if dance is None else dance.tempo
    if match is not None and int(match[3]):
        unit = Fraction(int(match[1]), int(match[2])) if match[1] and int(match[2]) else beat(tune.meter)
        return unit * int(match[3])
    compound = tune.meter is not None and tune.meter.is_compound
    return Fraction(3, 8) * usual if compound else Fraction(1, 4) * usual
