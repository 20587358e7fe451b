"""Elements of the body of a tune, which holds them in the order in which they are written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from ostinato.music.keys import NATURAL

_MIDDLE_C, _ITS_OCTAVE = 60, 4


@dataclass(frozen=True)
class Pitch:
    """A pitch as it is written.

    Attributes:
        letter: Letter, A to G.
        octave: Octave; 4 is that of middle C.
        accidental: Sign before the note: 1 sharp, -1 flat, 0 natural, 2 and -2 doubled; ``None``: by key and bar.
    """

    letter: str
    octave: int = 4
    accidental: int | None = None

    def midi(self, alteration: int) -> int:
        """Return the MIDI number of the pitch with an alteration, in semitones; middle C is 60."""
        return _MIDDLE_C + 12 * (self.octave - _ITS_OCTAVE) + NATURAL[self.letter] + alteration


@dataclass(frozen=True)
class Note:
    """A note; ``length`` in units of the tune's unit length, before tuplets and broken rhythm."""

    pitch: Pitch
    length: Fraction = Fraction(1)
    tied: bool = False


@dataclass(frozen=True)
class Rest:
    """A rest; an invisible one is ``x``."""

    length: Fraction = Fraction(1)
    visible: bool = True


@dataclass(frozen=True)
class BarsOfRest:
    """Whole bars of rest, ``Z4``."""

    bars: int = 1


@dataclass(frozen=True)
class Chord:
    """Notes that sound together; the first one's length times ``length`` counts."""

    notes: tuple[Note, ...]
    length: Fraction = Fraction(1)
    tied: bool = False


@dataclass(frozen=True)
class Grace:
    """Grace notes, which take no time of the bar."""

    notes: tuple[Note, ...]
    slashed: bool = False


@dataclass(frozen=True)
class Text:
    """Text in quotes above the next note: a chord symbol, or an annotation, which begins with one of ``^_<>@``."""

    text: str


@dataclass(frozen=True)
class Decoration:
    """An ornament or bowing of the next note, such as ``~``, ``.``, ``u`` or ``trill``."""

    name: str


@dataclass(frozen=True)
class Slur:
    """The opening or closing of a slur."""

    opens: bool


@dataclass(frozen=True)
class Tuplet:
    """The next ``notes`` notes: each ``puts`` of them in the time of ``into``."""

    puts: int
    into: int
    notes: int


@dataclass(frozen=True)
class Broken:
    """Broken rhythm between two notes; ``dots`` is 1 for ``>``, 2 for ``>>``, negative for ``<``."""

    dots: int


@dataclass(frozen=True)
class BarLine:
    """A bar line: one of ``BAR_LINES``."""

    kind: str


@dataclass(frozen=True)
class Ending:
    """The beginning of a variant ending, such as ``1`` or ``1,3``."""

    times: str


@dataclass(frozen=True)
class Field:
    """A field inside the music: a new key, meter or unit length, or the name of a part."""

    letter: str
    value: str


#: In the order in which they are looked for: longer ones first. ``::`` ends one repeat and begins the next.
BAR_LINES = ("::", "|:", ":|", "|]", "[|", "||", "|")

Element: TypeAlias = (
    Note | Rest | BarsOfRest | Chord | Grace | Text | Decoration | Slur | Tuplet | Broken | BarLine | Ending | Field
)
