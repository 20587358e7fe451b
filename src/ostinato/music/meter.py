"""Meters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from ostinato.errors import ConfigError

_METER = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")
_NAMED = {"C": (4, 4), "C|": (2, 2)}
_COMPOUND = 3
_LONG_UNIT = Fraction(3, 4)  # of a bar, from which on the unit is an eighth


@dataclass(frozen=True)
class Meter:
    """A meter.

    Attributes:
        count: Number of beats or parts of beats in a bar.
        unit: Note value of each: 4 a quarter, 8 an eighth.
    """

    count: int = 4
    unit: int = 4

    @property
    def bar(self) -> Fraction:
        """Length of a bar in whole notes."""
        return Fraction(self.count, self.unit)

    @property
    def is_compound(self) -> bool:
        """Whether three parts make a beat, as in 6/8, 9/8 and 12/8."""
        return self.unit >= 8 and self.count % _COMPOUND == 0 and self.count > _COMPOUND

    @property
    def group(self) -> Fraction:
        """Length of the notes under one beam together, in whole notes."""
        if self.is_compound or (self.unit >= 8 and self.count == _COMPOUND):
            return Fraction(_COMPOUND, self.unit)
        return Fraction(1, 2) if self.bar >= 1 and self.count % 2 == 0 else Fraction(1, 4)

    @property
    def default_length(self) -> Fraction:
        """The unit length of a tune that names none: a sixteenth under 3/4 of a whole note, else an eighth."""
        return Fraction(1, 16) if self.bar < _LONG_UNIT else Fraction(1, 8)

    @property
    def name(self) -> str:
        """Name as ABC writes it."""
        return f"{self.count}/{self.unit}"


FOUR_FOUR = Meter()
_INTO = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_IN_COMPOUND, _IN_SIMPLE = 3, 2  # what tuplets of 5, 7 and 9 go into


def tuplet_time(notes: int, *, compound: bool) -> int:
    """Return the number of notes whose time a tuplet of ``notes`` notes takes, if it does not say."""
    return _INTO.get(notes, _IN_COMPOUND if compound else _IN_SIMPLE)


def parse_meter(text: str) -> Meter | None:
    """Read a meter as ABC writes it: ``6/8``, ``C``, ``C|``; ``None`` for ``none``, a tune without one.

    Raises:
        ConfigError: The text is no meter.
    """
    text = text.strip()
    if text.lower() == "none":
        return None
    if text in _NAMED:
        return Meter(*_NAMED[text])
    match = _METER.fullmatch(text)
    if match is None or not int(match[1]) or int(match[2]) not in (1, 2, 4, 8, 16, 32):
        raise ConfigError(f"{text!r} is no meter; write 6/8, 4/4, C, C| or none")
    return Meter(int(match[1]), int(match[2]))
