"""Reading lines of music in ABC notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache

from ostinato.errors import ConfigError
from ostinato.music.abc_lines import Line
from ostinato.music.abc_problems import Problem, Tell
from ostinato.music.elements import (
    BarLine,
    BarsOfRest,
    Broken,
    Chord,
    Decoration,
    Element,
    Ending,
    Field,
    Grace,
    Note,
    Pitch,
    Rest,
    Slur,
    Text,
    Tuplet,
)
from ostinato.music.keys import Key, parse_key
from ostinato.music.meter import Meter, parse_meter, tuplet_time

# Numbers of up to nine digits, and brackets that close soon: what is longer is no music, and slow to look at.
_LENGTH = r"(?P<{0}n>\d{{0,9}})(?P<{0}slashes>/{{0,9}})(?P<{0}d>\d{{0,9}})"
_NOTE = r"(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octaves>[',]*)" + _LENGTH.format("") + r"(?P<tie>-?)"
_TOKEN = re.compile(
    "|".join(
        [
            r'(?P<text>"[^"]{0,2000}")',
            r"(?P<decoration>![^!| \t]{1,60}!|\.(?!\|)|[~H-Wh-w])",
            # A lone ! breaks the line in old files; [|] is a bar line that nobody sees.
            r"(?P<space>[ \t`*$]+|y\d{0,9}|\\\s*$|!|\[\|\])",
            r"(?P<field>\[[A-Za-z]:[^\]]{0,200}\])",
            r"(?P<ending>\[[1-9][0-9]*(?:[,\-][0-9]+)*)",
            r"(?P<bar>\.?(?:\[\|+:*|:+\|+\]?:*|::+|\|+\]?:*|\[?\|\]))(?P<times>[ ]*[1-9][0-9]*(?:[,\-][0-9]+)*)?",
            r"(?P<tuplet>\([2-9](?::[0-9]{0,4})?(?::[0-9]{0,4})?)",
            r"(?P<slur>[()])",
            r"(?P<grace>\{[^}]{0,500}\})",
            r"(?P<chord>\[[^\]|]{0,500}\])" + _LENGTH.format("c") + r"(?P<ctie>-?)",
            r"(?P<note>" + _NOTE + ")",
            r"(?P<rest>[zxZ])" + _LENGTH.format("r"),
            r"(?P<broken>>+|<+)",
            r"(?P<tielater>-)",
        ]
    )
)
_KINDS = ("text", "decoration", "space", "field", "ending", "bar", "tuplet", "slur", "grace", "chord", "note", "rest",
          "broken", "tielater")  # fmt: skip
# By the number of the last group that has matched: what it is or belongs to.
_KIND_OF = [""] + [
    max((kind for kind in _KINDS if _TOKEN.groupindex[kind] <= group), key=_TOKEN.groupindex.__getitem__)
    for group in range(1, _TOKEN.groups + 1)
]
_INNER = re.compile(r"[ \t.~H-Wh-w]*" + _NOTE)  # bowings of notes inside a chord or grace notes are left out
#: Decorations that are one sign.
SINGLE = re.compile(r"[.~H-Wh-w]")
_UNIT = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")
_ALTERATIONS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2, None: None}
_MUSICAL = "KLMPQT"  # fields that may stand inside the music
_CAN = (
    'notes A-G a-g, rests z x Z, bar lines, [chords], (tuplets, {grace notes}, "text", !decorations! and [K:…] fields'
)


class MusicReader:
    """A reader of a tune's music, line by line.

    Args:
        meter: The header's meter; ``None``: it has none.
        tell: Called with each problem; what cannot be read is left out.
    """

    def __init__(self, meter: Meter | None, tell: Tell) -> None:
        self.body: list[Element] = []
        self._meter, self._tell = meter, tell
        self._read: dict[str, Callable[[re.Match[str], Line], Iterator[Element]]] = {
            "text": self._text,
            "decoration": self._decoration,
            "field": self._field,
            "ending": self._ending,
            "bar": self._bar,
            "tuplet": self._tuplet,
            "slur": self._slur,
            "grace": self._grace,
            "chord": self._chord,
            "note": self._note,
            "rest": self._rest,
            "broken": self._broken,
        }

    def line(self, line: Line) -> None:
        """Read a line of music."""
        at = 0
        while at < len(line.text):
            match = _TOKEN.match(line.text, at)
            if match is None:
                self._problem(line, at, f"{line.text[at : at + 12]!r} is no music; there are {_CAN}")
                at += 1
                continue
            name = _KIND_OF[match.lastindex or 0]
            if name == "tielater":
                self._tie_last(line, at)
            elif name != "space":
                self.body += self._read[name](match, line)
            at = match.end()

    def field(self, line: Line) -> None:
        """Read a field that stands on a line of its own."""
        self.body += self._changed(line.letter, line.text, line, line.column - 1)

    def _problem(self, line: Line, at: int, told: str) -> None:
        self._tell(Problem(line.number, line.column + at, told))

    def _text(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        yield Text(found["text"][1:-1])

    def _decoration(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        name = found["decoration"]
        yield Decoration(name if SINGLE.fullmatch(name) else name[1:-1])

    def _field(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        letter, text = found["field"][1], found["field"][3:-1].strip()
        if letter not in _MUSICAL:
            self._problem(line, found.start(), f"the field {letter}: cannot stand inside music; {_MUSICAL} can")
            return
        yield from self._changed(letter, text, line, found.start())

    def _changed(self, letter: str, text: str, line: Line, at: int) -> Iterator[Element]:
        try:
            if letter == "K":
                text = parse_key(text).name
            elif letter == "M":
                self._meter = parse_meter(text)
                text = "none" if self._meter is None else self._meter.name
            elif letter == "L":
                text = str(parse_unit(text))
        except ConfigError as error:
            self._problem(line, at, str(error))
            return
        yield Field(letter, text)

    def _ending(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        yield Ending(found["ending"][1:])

    def _bar(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        yield BarLine(_bar_kind(found["bar"].removeprefix(".")))
        if found["times"]:
            yield Ending(found["times"].strip())

    def _tuplet(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        puts, into, notes = (*found["tuplet"][1:].split(":"), "", "")[:3]
        count = int(puts)
        compound = self._meter is not None and self._meter.is_compound
        usual = tuplet_time(count, compound=compound)
        yield Tuplet(count, int(into or usual), int(notes or count))

    def _slur(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        yield Slur(found["slur"] == "(")

    def _grace(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        inside = found["grace"][1:-1]
        slashed = inside.startswith("/")
        notes = self._notes(inside.removeprefix("/"), line, found.start() + 1 + slashed)
        if notes:
            yield Grace(notes, slashed)

    def _chord(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        notes = self._notes(found["chord"][1:-1], line, found.start() + 1)
        if notes:
            yield Chord(notes, _length(found, "c"), bool(found["ctie"]))

    def _notes(self, text: str, line: Line, start: int) -> tuple[Note, ...]:
        """Return the notes of a chord or of a group of grace notes."""
        notes, at = [], 0
        while text[at:].strip():
            match = _INNER.match(text, at)
            if match is None:
                self._problem(
                    line, start + at, f"{text[at:]!r} are no notes; write notes only, such as [CEG] or {{AB}}"
                )
                break
            notes.append(_note(match))
            at = match.end()
        return tuple(notes)

    def _note(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        yield _note(found)

    def _rest(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        length = _length(found, "r")
        if found["rest"] == "Z":
            yield BarsOfRest(max(1, int(length)))
        else:
            yield Rest(length, found["rest"] == "z")

    def _broken(self, found: re.Match[str], line: Line) -> Iterator[Element]:
        signs = found["broken"]
        yield Broken(len(signs) if signs[0] == ">" else -len(signs))

    def _tie_last(self, line: Line, at: int) -> None:
        """Tie the last note or chord: the tie stands apart from it, as in ``A2 -A2``."""
        place = len(self.body) - 1
        while place >= 0 and isinstance(self.body[place], Slur):
            place -= 1
        last = self.body[place] if place >= 0 else None
        if isinstance(last, Note):
            self.body[place] = Note(last.pitch, last.length, tied=True)
        elif isinstance(last, Chord):
            self.body[place] = Chord(last.notes, last.length, tied=True)
        else:
            self._problem(line, at, "a tie needs a note before it")


def parse_unit(text: str) -> Fraction:
    """Read a unit length, such as ``1/8``.

    Raises:
        ConfigError: The text is no unit length.
    """
    match = _UNIT.fullmatch(text.strip())
    value = Fraction(int(match[1]), int(match[2])) if match and int(match[2]) else None
    if value is None or not 0 < value <= 1:
        raise ConfigError(f"{text!r} is no unit length; write 1/4, 1/8 or 1/16")
    return value


def read_key(text: str) -> Key:
    """Read the key of a header; bagpipes (``HP``) play in A mixolydian, ``none`` is C major.

    Raises:
        ConfigError: The text is no key.
    """
    if text.strip().lower() == "hp":
        return Key("A", 0, "mix")
    return Key() if text.strip().lower() in ("", "none") else parse_key(text)


def _bar_kind(text: str) -> str:
    """Return the kind of a bar line, however it is written."""
    closes, opens = text.startswith(":"), text.endswith(":")
    if closes and opens:
        return "::"
    if closes or opens:
        return ":|" if closes else "|:"
    if "]" in text:
        return "|]"
    return "[|" if text.startswith("[") else "||" if text.startswith("||") else "|"


def _note(found: re.Match[str]) -> Note:
    letter = found["letter"]
    octave = (5 if letter.islower() else 4) + found["octaves"].count("'") - found["octaves"].count(",")
    pitch = Pitch(letter.upper(), octave, _ALTERATIONS[found["accidental"]])
    return Note(pitch, _length(found, ""), bool(found["tie"]))


def _length(found: re.Match[str], prefix: str) -> Fraction:
    """Return a length that is written as ``3/2``, ``/``, ``//`` or ``/4``."""
    return _length_of(found[f"{prefix}n"], len(found[f"{prefix}slashes"]), found[f"{prefix}d"])


@cache
def _length_of(above: str, slashes: int, below: str) -> Fraction:
    parts = int(below) * 2 ** (slashes - 1) if below and slashes else 2**slashes
    return Fraction(int(above or 1), parts or 1)
