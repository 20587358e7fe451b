"""Writing tunes in ABC notation, so that every program reads them and ``parse_tune`` gives the same tune again."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ostinato.music.abc_music import SINGLE
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
from ostinato.music.meter import Meter, parse_meter
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

_SIGNS = {2: "^^", 1: "^", 0: "=", -1: "_", -2: "__", None: ""}
_OWN_LINE = "PT"
_BARS_IN_A_LINE = 4


def write_tune(tune: Tune, *, bars: int = _BARS_IN_A_LINE) -> str:
    """Return a tune in ABC notation, with an end of line after the last line.

    Args:
        tune: The tune.
        bars: Number of bars in a line.
    """
    fields = [("X", str(tune.number)), *(("T", title) for title in tune.titles)]
    fields += [(letter, text) for letter, text in (("R", tune.rhythm), ("C", tune.composer)) if text]
    fields += [("M", "none" if tune.meter is None else tune.meter.name), ("L", str(tune.unit))]
    fields += [("Q", tune.tempo)] if tune.tempo else []
    fields += [*tune.information, ("K", tune.key.name)]
    return "\n".join([*map(_field, fields), *_lines(tune, bars)]) + "\n"


def write_pitch(pitch: Pitch) -> str:
    """Return a pitch as ABC writes it."""
    name = pitch.letter.lower() if pitch.octave >= 5 else pitch.letter
    octaves = "'" * (pitch.octave - 5) + "," * (4 - pitch.octave)
    return _SIGNS[pitch.accidental] + name + octaves


def write_length(length: Fraction) -> str:
    """Return a length as ABC writes it after a note: nothing for 1."""
    above = "" if length.numerator == 1 else str(length.numerator)
    return above if length.denominator == 1 else f"{above}/{length.denominator}"


def _field(field: tuple[str, str]) -> str:
    letter, text = field[0], " ".join(field[1].split("\n"))
    return f"%%{text}" if letter == "%" else f"{letter}:{text}".replace("%", "\\%")


def _lines(tune: Tune, bars: int) -> Iterator[str]:
    """Yield lines of music, some bars in each, with a space where a beam ends."""
    line, done, full = "", 0, False
    meter, length = tune.meter, Fraction(0)
    for element, space, duration in zip(tune.body, _spaces(tune), durations(tune), strict=True):
        alone = isinstance(element, Field) and (element.letter in _OWN_LINE or "]" in element.value)
        if line and (alone or (full and not isinstance(element, Ending | BarLine))):
            yield line.strip()
            line, done, full = "", 0, False
        if isinstance(element, Field) and alone:
            yield _field((element.letter, element.value))
            continue
        if full and isinstance(element, Ending):  # it stays on the line of the bar line that it is written at
            done, full = 0, False
        line, length = _joined(line, element, space=space), length + (duration or 0)
        if isinstance(element, Field) and element.letter == "M":
            meter = parse_meter(element.value)
        if isinstance(element, BarLine):
            done += length >= (Fraction(1) if meter is None else meter.bar)  # an upbeat is no bar
            length = Fraction(0)
            full = done >= bars or element.kind not in ("|", "|:")
    if line:
        yield line.strip()


def _joined(line: str, element: Element, *, space: bool) -> str:
    if isinstance(element, Ending) and line.rstrip().endswith(("|", ":")):
        return f"{line.rstrip()}{element.times} "
    if isinstance(element, BarLine):
        return f"{line.rstrip()} {element.kind} "
    touches = isinstance(element, Broken) and line.endswith((">", "<"))
    return line + " " * (space or touches) + write_element(element)


def _spaces(tune: Tune) -> Iterator[bool]:
    """Yield for each element whether a space stands before it: a group of notes under one beam has ended there."""
    meter, at, ended = tune.meter, Fraction(0), False
    for element, duration in zip(tune.body, durations(tune), strict=True):
        if isinstance(element, BarLine):
            at, ended = Fraction(0), False
        elif isinstance(element, Field) and element.letter == "M":
            meter = parse_meter(element.value)
        begins = ended and not isinstance(element, Broken | BarLine) and element != Slur(opens=False)
        yield begins
        ended = ended and not begins
        if duration:
            at += duration
            ended = at % (Meter() if meter is None else meter).group == 0


def write_element(element: Element) -> str:
    """Return an element as ABC writes it."""
    match element:
        case Note():
            return write_pitch(element.pitch) + write_length(element.length) + "-" * element.tied
        case Rest():
            return "xz"[element.visible] + write_length(element.length)
        case BarsOfRest():
            return "Z" + write_length(Fraction(element.bars))
        case Chord():
            return (
                "["
                + "".join(map(write_element, element.notes))
                + "]"
                + write_length(element.length)
                + "-" * element.tied
            )
        case Grace():
            return "{" + "/" * element.slashed + "".join(map(write_element, element.notes)) + "}"
        case Text():
            return f'"{element.text}"'
        case Decoration():
            return element.name if SINGLE.fullmatch(element.name) else f"!{element.name}!"
        case Slur():
            return ")("[element.opens]
        case Tuplet():
            return f"({element.puts}:{element.into}:{element.notes}"
        case Broken():
            return (">" if element.dots > 0 else "<") * abs(element.dots)
        case BarLine():
            return element.kind
        case Ending():
            return f"[{element.times} "
        case Field():
            return f"[{element.letter}:{element.value}]"
