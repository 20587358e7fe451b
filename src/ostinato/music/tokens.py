"""Tunes as tokens, as folk-rnn's, and richer where those lose music: every key is one language, relative to its tonic.

A tune is ``M:6/8 K:dor`` and its music as if the tonic were C, lengths in eighths: pitch and length are two tokens, so
are a bar line and an ending. Tokens of a tune in, the same tune out, but for what ``simplified`` leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ostinato.errors import CodecError, ConfigError
from ostinato.music.abc_lines import Line
from ostinato.music.abc_music import MusicReader
from ostinato.music.abc_problems import Problem
from ostinato.music.abc_writing import write_element, write_length, write_pitch
from ostinato.music.elements import (
    BAR_LINES,
    BarsOfRest,
    Chord,
    Decoration,
    Element,
    Field,
    Grace,
    Note,
    Rest,
    Slur,
    Text,
    Tuplet,
)
from ostinato.music.keys import MODES, Key, parse_key
from ostinato.music.meter import parse_meter, tuplet_time
from ostinato.music.transposing import transpose
from ostinato.music.tune import Tune

UNIT = Fraction(1, 8)
_ENDINGS = tuple(f"[{digit}" for digit in range(10))
_IN_MUSIC = ("K", "M")  # fields that are music; names of parts and tempos are not


@dataclass(frozen=True)
class Kept:
    """What of a tune becomes tokens besides its notes, bars and endings.

    Attributes:
        graces: Grace notes.
        symbols: Chord symbols and other texts in quotes.
        decorations: Ornaments and bowings.
        slurs: Slurs.
    """

    graces: bool = False
    symbols: bool = False
    decorations: bool = False
    slurs: bool = False


NOTES_ONLY = Kept()


def simplified(tune: Tune, kept: Kept = NOTES_ONLY) -> Tune:
    """Return what tokens say of a tune: C as the tonic, eighths as the unit, visible rests, no titles.

    Raises:
        ConfigError: It has no meter, a key with accidentals of its own, or cannot be moved to C.
    """
    if tune.meter is None:
        raise ConfigError("the tune has no meter, so it has no bars to learn")
    moved = transpose(tune, "C")
    keys = [moved.key, *(parse_key(one.value) for one in moved.body if isinstance(one, Field) and one.letter == "K")]
    if any(key.explicit for key in keys):
        raise ConfigError("the tune has a key with accidentals of its own, which no mode stands for")
    return Tune(meter=tune.meter, unit=UNIT, key=moved.key, body=tuple(_simple(moved, kept)))


def _simple(tune: Tune, kept: Kept) -> Iterator[Element]:
    ratio = tune.unit / UNIT
    left_out = {Grace: kept.graces, Text: kept.symbols, Decoration: kept.decorations, Slur: kept.slurs}
    for element in tune.body:
        if not left_out.get(type(element), True):
            continue
        match element:
            case Field(letter="L"):
                ratio = Fraction(element.value) / UNIT
            case Field() if element.letter not in _IN_MUSIC:
                continue
            case Note():
                yield replace(element, length=element.length * ratio)
            case Rest():
                yield Rest(element.length * ratio)
            case Chord():
                yield replace(element, length=element.length * ratio)
            case _:
                yield element


def tokens_of(tune: Tune) -> list[str]:
    """Return the tokens of a tune that ``simplified`` gave."""
    assert tune.meter is not None
    return [f"M:{tune.meter.name}", f"K:{tune.key.mode}", *(token for one in tune.body for token in _tokens(one))]


def _tokens(element: Element) -> Iterator[str]:
    match element:
        case Note():
            yield write_pitch(element.pitch)
            yield from _length(element.length)
            yield from ["-"] * element.tied
        case Rest():
            yield "z"
            yield from _length(element.length)
        case BarsOfRest():
            yield write_element(element)
        case Chord():
            yield "["
            for note in element.notes:
                yield from _tokens(note)
            yield "]"
            yield from _length(element.length)
            yield from ["-"] * element.tied
        case Grace():
            yield "{/" if element.slashed else "{"
            for note in element.notes:
                yield from _tokens(note)
            yield "}"
        case Tuplet() if element.notes == element.puts and element.into in (usual := _usual(element.puts)):
            yield f"({element.puts}" + f":{element.into}" * (len(usual) > 1)
        case Field(letter="K"):
            yield f"[K:{parse_key(element.value).name}]"
        case _:
            yield write_element(element).strip()


def _usual(notes: int) -> set[int]:
    """The times that a tuplet is played in, if it does not say."""
    return {tuplet_time(notes, compound=compound) for compound in (False, True)}


def _length(length: Fraction) -> Iterator[str]:
    written = write_length(length)
    if written:
        yield written


def tune_of(tokens: Sequence[str]) -> Tune:
    """Return the tune that tokens say.

    Raises:
        CodecError: They say none; with the place and the token.
    """
    if len(tokens) < 2 or not tokens[0].startswith("M:") or tokens[1][2:] not in MODES:
        raise CodecError(f"a tune begins with meter and mode, such as M:6/8 K:dor, not with {' '.join(tokens[:2])!r}")
    try:
        meter = parse_meter(tokens[0][2:])
    except ConfigError as error:
        raise CodecError(str(error)) from error

    def refuse(problem: Problem) -> None:
        raise CodecError(f"the tokens are no tune: {problem.told}")

    reader = MusicReader(meter, refuse)
    reader.line(Line(1, "", joined(tokens[2:])))
    return Tune(meter=meter, unit=UNIT, key=Key(mode=tokens[1][2:]), body=tuple(reader.body))


def joined(tokens: Iterable[str]) -> str:
    """Write tokens as ABC notation, with spaces only where two of them would read as another one."""
    line = ""
    for token in tokens:
        if token in BAR_LINES:
            line = f"{line.rstrip()} {token} "
            continue
        touches = token[0] in "<>" and line.endswith(("<", ">"))
        line += " " * touches + token + " " * token.startswith(_ENDINGS)
    return line
