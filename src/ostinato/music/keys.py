"""Keys: tonic, mode, signature, and what moves music from one key to another."""

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
        letter: Of the tonic, A to G.
        alteration: Of the tonic: 1 sharp, -1 flat, 0 neither.
        mode: One of ``MODES``.
        explicit: Accidentals that the signature has besides, as (letter, alteration).
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
        """What the signature makes of each letter: 1 sharp, -1 flat, 0 neither."""
        found = dict.fromkeys(LETTERS, 0)
        for number in range(abs(self.fifths)):
            letter = _SHARPS[number % 7] if self.fifths > 0 else _SHARPS[6 - number % 7]
            found[letter] += 1 if self.fifths > 0 else -1
        return found | dict(self.explicit)

    @property
    def tonic(self) -> int:
        """Pitch class of the tonic: semitones above C."""
        return (NATURAL[self.letter] + self.alteration) % 12

    @property
    def name(self) -> str:
        """As ABC writes it, such as ``D``, ``F#min`` or ``Ador``; explicit accidentals after it."""
        sign = {1: "#", -1: "b", 0: ""}[self.alteration]
        mode = "" if self.mode == "maj" else self.mode
        signs = {alteration: sign for sign, alteration in _ACCIDENTALS.items()}
        return "".join([self.letter, sign, mode, *(f" {signs[value]}{letter}" for letter, value in self.explicit)])

    def on(self, letter: str, alteration: int) -> Key:
        """The key of the same mode on another tonic; what the signature has besides moves along."""
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
        ConfigError: It is none.
    """
    found = _KEY.fullmatch(_CLEF.sub("", text).strip())
    if found is None:
        raise ConfigError(f"{text!r} is no key; write a tonic and a mode, such as D, Ador, F#min or Bbmix")
    mode = _mode(found["mode"])
    if mode is None:
        raise ConfigError(f"{found['mode']!r} is no mode; there are {', '.join(MODES)}")
    explicit = tuple((letter.upper(), _ACCIDENTALS[sign]) for sign, letter in _EXPLICIT.findall(found["rest"]))
    key = Key(found["letter"], _SIGNS[found["sign"]], mode, explicit)
    if abs(key.fifths) > _MOST_SHARPS:
        raise ConfigError(f"the key {text.strip()!r} would need {abs(key.fifths)} sharps or flats; 7 is the most")
    return key


def _mode(text: str) -> str | None:
    """One of ``MODES``; their first three letters decide, in any case, and ``m`` alone is minor."""
    if text in ("", "M"):
        return "maj"
    if text == "m":
        return "min"
    short = text[:3].lower()
    short = _SAME.get(short, short)
    return short if short in MODES else None
