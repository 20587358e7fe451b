"""Tunes as tokens like folk-rnn's, and richer where those lose music; all keys are written relative to their tonic.

A tune is ``M:6/8 K:dor``, ``R:jig`` where the dance is known, and its music as if the tonic were C, lengths in eighths:
pitch and length are two tokens, so are a bar line and an ending. A tie is the pitch ``-`` of the note that it leads to,
so that nothing has to remember which that was; where that note is spelled anew, or is one of a chord, it is ``--``
after the first one. Tokens give their tune back, except for what ``simplified`` leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate

from ostinato.errors import CodecError, ConfigError
from ostinato.music.abc_lines import Line
from ostinato.music.abc_music import MusicReader
from ostinato.music.abc_problems import Problem
from ostinato.music.abc_writing import write_element, write_length, write_pitch
from ostinato.music.dances import dance_of
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
from ostinato.music.meter import Meter, parse_meter, tuplet_time
from ostinato.music.titles import split_title
from ostinato.music.transposing import transpose
from ostinato.music.tune import Tune

UNIT = Fraction(1, 8)
TIE = "-"
_DANCE = "R:"
_ODD_TIE = "--"
_PITCH = re.compile(r"(?:\^\^|\^|__|_|=)?([A-Ga-g][',]*)")
_LENGTH = re.compile(r"\d+(?:/\d+)?|/\d+")
_ENDINGS = tuple(f"[{digit}" for digit in range(10))
_IN_MUSIC = ("K", "M")  # fields that are music; names of parts and tempos are not


@dataclass(frozen=True)
class Kept:
    """The elements of a tune that become tokens besides notes, bars and endings.

    Attributes:
        graces: Whether grace notes do.
        symbols: Whether chord symbols and other texts in quotes do.
        decorations: Whether ornaments and bowings do.
        slurs: Whether slurs do.
    """

    graces: bool = False
    symbols: bool = False
    decorations: bool = False
    slurs: bool = False


NOTES_ONLY = Kept()


def simplified(tune: Tune, kept: Kept = NOTES_ONLY) -> Tune:
    """Return a tune as tokens represent it: C as the tonic, eighths as the unit, visible rests, no titles.

    Raises:
        ConfigError: It has no meter, a key with accidentals of its own, or cannot be moved to C.
    """
    if tune.meter is None:
        raise ConfigError("the tune has no meter, so it has no bars to learn")
    moved = transpose(tune, "C")
    keys = [moved.key, *(parse_key(one.value) for one in moved.body if isinstance(one, Field) and one.letter == "K")]
    if any(key.explicit for key in keys):
        raise ConfigError("the tune has a key with accidentals of its own, which no mode stands for")
    body = tuple(_simple(moved, kept))
    return Tune(meter=tune.meter, unit=UNIT, key=moved.key, body=body, rhythm=dance_of(tune.rhythm))


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
                yield element if ratio == 1 else replace(element, length=element.length * ratio)
            case Rest():
                yield Rest(element.length * ratio)
            case Chord():
                yield replace(element, length=element.length * ratio)
            case _:
                yield element


def tokens_of(tune: Tune) -> list[str]:
    """Return the tokens of a tune that ``simplified`` gave."""
    assert tune.meter is not None
    led_to = set(_ties(tune.body).values())
    tokens = header_tokens(tune.meter, tune.key.mode, tune.rhythm)
    for place, element in enumerate(_untied(tune.body)):
        own = list(_tokens(element))
        tokens += [TIE, *own[1:]] if place in led_to else own
    return tokens


def _untied(body: Sequence[Element]) -> Iterator[Element]:
    """Yield the elements, without the ties that a token of the note they lead to stands for."""
    leads = _ties(body)
    for place, element in enumerate(body):
        yield replace(element, tied=False) if isinstance(element, Note) and place in leads else element


def header_tokens(meter: Meter, mode: str, dance: str = "") -> list[str]:
    """Return the tokens that a tune begins with; ``dance`` is one of ``DANCES``, or empty."""
    return [f"M:{meter.name}", f"K:{mode}", *([_DANCE + dance.replace(" ", "_")] if dance else [])]


def token_places(tune: Tune) -> list[int]:
    """Return the place of each element's first token, for a tune that ``simplified`` gave; and that of the end."""
    assert tune.meter is not None
    begins = len(header_tokens(tune.meter, tune.key.mode, tune.rhythm))
    return [*accumulate((len(list(_tokens(one))) for one in _untied(tune.body)), initial=begins)]


def music_begins(tokens: Sequence[str]) -> int:
    """Return the number of tokens in the header of a tune."""
    return 3 if tokens[2:] and tokens[2].startswith(_DANCE) else 2


def _ties(body: Sequence[Element]) -> dict[int, int]:
    """Return the place of the note that each tied note leads to, if it is the same pitch without an accidental."""
    leads, before = {}, -1
    for place, element in enumerate(body):
        if not isinstance(element, Note | Rest | Chord | BarsOfRest):
            continue
        if before >= 0 and isinstance(element, Note):
            first = body[before]
            assert isinstance(first, Note)
            if element.pitch == replace(first.pitch, accidental=None):
                leads[before] = place
        before = place if isinstance(element, Note) and element.tied else -1
    return leads


def _tokens(element: Element) -> Iterator[str]:
    match element:
        case Note():
            yield write_pitch(element.pitch)
            yield from _length(element.length)
            yield from [_ODD_TIE] * element.tied
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
            yield from [_ODD_TIE] * element.tied
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
    """Return the possible numbers of notes whose time a tuplet takes, if it does not say."""
    return {tuplet_time(notes, compound=compound) for compound in (False, True)}


def _length(length: Fraction) -> Iterator[str]:
    written = write_length(length)
    if written:
        yield written


def tune_of(tokens: Sequence[str]) -> Tune:
    """Return the tune that tokens represent, with its title, if they have one.

    Raises:
        CodecError: They represent none; the message names the token or the problem.
    """
    if len(tokens) < 2 or not tokens[0].startswith("M:") or tokens[1][2:] not in MODES:
        raise CodecError(f"a tune begins with meter and mode, such as M:6/8 K:dor, not with {' '.join(tokens[:2])!r}")
    try:
        meter = parse_meter(tokens[0][2:])
    except ConfigError as error:
        raise CodecError(str(error)) from error

    def refuse(problem: Problem) -> None:
        raise CodecError(f"the tokens are no tune: {problem.message}")

    begins = music_begins(tokens)
    dance = " ".join(tokens[2:begins]).removeprefix(_DANCE).replace("_", " ")
    music, title = split_title(tokens[begins:])
    reader = MusicReader(meter, refuse)
    reader.line(Line(1, "", joined(_spelled(music))))
    titles = (title,) if title else ()
    return Tune(titles=titles, meter=meter, unit=UNIT, key=Key(mode=tokens[1][2:]), body=tuple(reader.body),
                rhythm=dance)  # fmt: skip


def _spelled(tokens: Iterable[str]) -> list[str]:
    """Return tokens with ties as ABC writes them: after the first note, and its pitch once more."""
    spelled: list[str] = []
    pitch, end, inside = "", 0, False  # of the note that came last: what it is, where a tie would follow it
    for token in tokens:
        if token == TIE and pitch:
            spelled.insert(end, TIE)
            token = pitch
        elif token == TIE:
            raise CodecError("the tokens are no tune: a tie has no note before it")
        inside = (inside or token == "[") and token != "]"
        if note := _PITCH.fullmatch(token):
            pitch, end = "" if inside else note[1], len(spelled) + 1
        elif token in ("z", "]"):
            pitch = ""
        elif _LENGTH.fullmatch(token) and end == len(spelled):
            end += 1
        spelled.append(TIE if token == _ODD_TIE else token)
    return spelled


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
