"""Transposition of tunes: every note keeps its degree of the scale, so the result is spelled as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ostinato.errors import ConfigError
from ostinato.music.elements import Chord, Element, Field, Grace, Note, Pitch, Text
from ostinato.music.keys import LETTERS, NATURAL, Key, parse_key
from ostinato.music.tune import Tune

_OCTAVE = 7  # letters
_FAR = 3  # letters; a tonic that is farther is nearer in the next octave
_MOST_SIGNS = 2
_SYMBOL = re.compile(r"([A-G])([#b]?)([^/]*)(?:/([A-Ga-g])([#b+]?))?")
_SIGNS = {"#": 1, "+": 1, "b": -1, "": 0}
_NAMES = {1: "#", -1: "b", 0: ""}


@dataclass(frozen=True)
class Interval:
    """The interval by which a tune is moved.

    Attributes:
        steps: Number of letters up.
        semitones: Number of semitones up.
    """

    steps: int
    semitones: int

    def letter(self, letter: str, alteration: int) -> tuple[str, int]:
        """Return a letter and its alteration, moved, in whichever octave."""
        place = LETTERS.index(letter) + self.steps
        moved = LETTERS[place % _OCTAVE]
        natural = NATURAL[moved] + 12 * (place // _OCTAVE)
        return moved, NATURAL[letter] + alteration + self.semitones - natural


def transpose(tune: Tune, letter: str, alteration: int = 0, *, octaves: int = 0) -> Tune:
    """Return a tune on another tonic, in the same mode, by the nearest way.

    Args:
        tune: The tune.
        letter: Letter of the new tonic, A to G.
        alteration: Alteration of the new tonic: 1 sharp, -1 flat.
        octaves: Number of octaves farther up.

    Raises:
        ConfigError: A key on the way would have more than seven sharps or flats, or a note three.
    """
    steps = (LETTERS.index(letter) - LETTERS.index(tune.key.letter) + _FAR) % _OCTAVE - _FAR
    place = LETTERS.index(tune.key.letter) + steps
    natural = NATURAL[LETTERS[place % _OCTAVE]] + 12 * (place // _OCTAVE)
    semitones = natural + alteration - NATURAL[tune.key.letter] - tune.key.alteration
    interval = Interval(steps + _OCTAVE * octaves, semitones + 12 * octaves)
    return replace(tune, key=_moved_key(tune.key, interval), body=tuple(_moved(tune, interval)))


def _moved(tune: Tune, interval: Interval) -> Iterator[Element]:
    key = tune.key
    there = _moved_key(key, interval)
    for element in tune.body:
        match element:
            case Field(letter="K"):
                key = parse_key(element.value)
                there = _moved_key(key, interval)
                yield Field("K", there.name)
            case Note():
                yield _moved_note(element, key, there, interval)
            case Chord() | Grace():
                yield replace(element, notes=tuple(_moved_note(note, key, there, interval) for note in element.notes))
            case Text():
                yield Text(_moved_symbol(element.text, interval))
            case _:
                yield element


def _moved_key(key: Key, interval: Interval) -> Key:
    letter, alteration = interval.letter(key.letter, key.alteration)
    if alteration not in _NAMES or abs((moved := key.on(letter, alteration)).fifths) > _OCTAVE:
        raise ConfigError(f"the key {key.name} cannot be moved by {interval.semitones} semitones; choose another tonic")
    return moved


def _moved_note(note: Note, key: Key, there: Key, interval: Interval) -> Note:
    pitch = note.pitch
    place = LETTERS.index(pitch.letter) + interval.steps
    letter = LETTERS[place % _OCTAVE]
    accidental = pitch.accidental
    if accidental is not None:
        accidental += there.signature[letter] - key.signature[pitch.letter]
        if abs(accidental) > _MOST_SIGNS:
            raise ConfigError(f"a note would need {abs(accidental)} signs in {there.name}; choose another tonic")
    return replace(note, pitch=Pitch(letter, pitch.octave + place // _OCTAVE, accidental))


def _moved_symbol(text: str, interval: Interval) -> str:
    """Return a chord symbol, moved; any other text as it is."""
    match = _SYMBOL.fullmatch(text)
    if match is None:
        return text
    root = _named(match[1], match[2], interval)
    if match[4] is None:
        return root + match[3]
    return f"{root}{match[3]}/{_named(match[4].upper(), match[5], interval)}"


def _named(letter: str, sign: str, interval: Interval) -> str:
    letter, alteration = interval.letter(letter, _SIGNS[sign])
    while alteration not in _NAMES:  # such as B double sharp: the next letter's name is simpler
        up = 1 if alteration > 0 else -1
        place = LETTERS.index(letter) + up
        octave = 12 * (place // _OCTAVE)
        alteration += NATURAL[letter] - NATURAL[LETTERS[place % _OCTAVE]] - octave
        letter = LETTERS[place % _OCTAVE]
    return letter + _NAMES[alteration]
