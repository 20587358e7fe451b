"""Keys: tonic, mode and signature, and the same key on another tonic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from ostinato.errors import ConfigError

LETTERS = "CDEFGAB"
#: Semitones of the letters above C.
NATURAL = dict(zip(LETTERS, (0, 2, 4, 5, 7, 9, 11), strict=True))
_SHARPS = "FCGDAEB"  # in the order in which signatures add them
#: How many fifths a mode's signature lies above that of the major key on the same tonic.
MODES = {"maj": 0, "min": -3, "dor": -2, "mix": -1, "phr": -4, "lyd": 1, "loc": -5}
_SAME = {"ion": "maj", "aeo": "min"}
_SIGNS = {"#": 1, "b": -1, "": 0}
_ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_MOST_SHARPS = 7
_KEY = re.compile(r"(?P<letter>[A-G])(?P<sign>[#b]?)\s*(?P<mode>[A-Za-z]*)(?P<rest>.*)")
_EXPLICIT = re.compile(r"(?<!\S)(\^\^|\^|__|_|=)([A-Ga-g])(?!\S)")
_CLEF = re.compile(r"\s(?:\w+=\S*|treble|alto|tenor|bass|perc|none)[+-]?\d*(?!\S)")


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        letter: Letter of the tonic, A to G.
        alteration: Alteration of the tonic: 1 sharp, -1 flat, 0 neither.
        mode: One of ``MODES``.
        explicit: Further accidentals of the signature, as (letter, alteration).
    """

    letter: str = "C"
    alteration: int = 0
    mode: str = "maj"
    explicit: tuple[tuple[str, int], ...] = ()

    @property
    def fifths(self) -> int:
        """Sharps of the signature; flats are negative. Explicit accidentals do not count."""
        return _SHARPS.index(self.letter) - 1 + 7 * self.alteration + MODES[self.mode]

    @cached_property
    def signature(self) -> dict[str, int]:
        """Alteration of each letter by the signature: 1 sharp, -1 flat, 0 neither."""
        signs = dict.fromkeys(LETTERS, 0)
        for number in range(abs(self.fifths)):
            letter = _SHARPS[number % 7] if self.fifths > 0 else _SHARPS[6 - number % 7]
            signs[letter] += 1 if self.fifths > 0 else -1
        return signs | dict(self.explicit)

    @property
    def tonic(self) -> int:
        """Pitch class of the tonic: semitones above C."""
        return (NATURAL[self.letter] + self.alteration) % 12

    @property
    def name(self) -> str:
        """Name as ABC writes it, such as ``D``, ``F#min`` or ``Ador``; explicit accidentals after it."""
        sign = {1: "#", -1: "b", 0: ""}[self.alteration]
        mode = "" if self.mode == "maj" else self.mode
        signs = {alteration: sign for sign, alteration in _ACCIDENTALS.items()}
        return "".join([self.letter, sign, mode, *(f" {signs[value]}{letter}" for letter, value in self.explicit)])

    def on(self, letter: str, alteration: int) -> Key:
        """Return the key of the same mode on another tonic; explicit accidentals move along."""
        steps = LETTERS.index(letter) - LETTERS.index(self.letter)
        plain, there = Key(self.letter, self.alteration, self.mode), Key(letter, alteration, self.mode)
        explicit = []
        for own, value in self.explicit:
            other = LETTERS[(LETTERS.index(own) + steps) % 7]
            explicit.append((other, there.signature[other] + value - plain.signature[own]))
        return Key(letter, alteration, self.mode, tuple(explicit))


C_MAJOR = Key()


def parse_key(text: str) -> Key:
    """Read a key as ABC writes it: ``D``, ``Ador``, ``A Dorian``, ``F#m``, ``Bbmix``, ``D =c``; clefs are left out.

    Raises:
        ConfigError: The text is no key, or a key with more than seven sharps or flats.
    """
    match = _KEY.fullmatch(_CLEF.sub("", text).strip())
    if match is None:
        raise ConfigError(f"{text!r} is no key; write a tonic and a mode, such as D, Ador, F#min or Bbmix")
    mode = _mode(match["mode"])
    if mode is None:
        raise ConfigError(f"{match['mode']!r} is no mode; there are {', '.join(MODES)}")
    explicit = tuple((letter.upper(), _ACCIDENTALS[sign]) for sign, letter in _EXPLICIT.findall(match["rest"]))
    key = Key(match["letter"], _SIGNS[match["sign"]], mode, explicit)
    if abs(key.fifths) > _MOST_SHARPS:
        raise ConfigError(f"the key {text.strip()!r} would need {abs(key.fifths)} sharps or flats; 7 is the most")
    return key


def _mode(text: str) -> str | None:
    """Return one of ``MODES`` by its first three letters, in any case; ``m`` alone is minor. ``None``: it is none."""
    if text in ("", "M"):
        return "maj"
    if text == "m":
        return "min"
    short = text[:3].lower()
    short = _SAME.get(short, short)
    return short if short in MODES else None
