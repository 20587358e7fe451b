"""Reading tunes in ABC notation: one tune strictly, or a tunebook with its problems listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from ostinato.errors import AbcError, ConfigError
from ostinato.music.abc_lines import Line, Source, sources, split
from ostinato.music.abc_music import MusicReader, parse_unit, read_key
from ostinato.music.abc_problems import Problem, Tell, refuse
from ostinato.music.keys import Key
from ostinato.music.meter import Meter, parse_meter
from ostinato.music.tune import Tune

_INSIDE = "KLMPQT"  # fields that change the music where they stand

_MOST_DIGITS = 18  # of a number of a tune


@dataclass(frozen=True)
class ReadTune:
    """A tune of a tunebook, with its problems.

    Attributes:
        source: The tune as it stands in the file.
        tune: The part of it that could be read.
        problems: Problems with the rest, which is left out.
    """

    source: Source
    tune: Tune
    problems: tuple[Problem, ...]


def parse_tune(text: str) -> Tune:
    """Read one tune.

    Raises:
        AbcError: Something in it is no ABC notation, with line and column.
    """
    tunes = list(sources(text.split("\n")))
    if len(tunes) != 1:
        raise AbcError(
            f"the text holds {len(tunes)} tunes; give one, which begins with X: and has no empty line inside"
        )
    return _read(tunes[0], refuse)


def read_tunebook(lines: Iterable[str]) -> Iterator[ReadTune]:
    """Yield the tunes of a tunebook; what cannot be read is listed as a problem and left out."""
    for source in sources(lines):
        problems: list[Problem] = []
        tune = _read(source, problems.append)
        yield ReadTune(source, tune, tuple(problems))


class _Header:
    """The header of a tune while it is read."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.number = 1
        self.titles: list[str] = []
        self.meter: Meter | None = Meter()
        self.unit: Fraction | None = None
        self.key: Key | None = None
        self.texts = {"R": "", "C": "", "Q": ""}
        self.information: list[tuple[str, str]] = []

    def take(self, line: Line) -> None:
        """Take a field."""
        try:
            self._take(line.letter, line.text)
        except ConfigError as error:
            self._tell(Problem(line.number, line.column, str(error)))

    def _take(self, letter: str, text: str) -> None:
        if letter == "X":
            if not text.isdecimal() or len(text) > _MOST_DIGITS:
                raise ConfigError(f"{text!r} is no number of a tune; write X:1")
            self.number = int(text)
        elif letter == "T":
            self.titles.append(text)
        elif letter == "M":
            self.meter = parse_meter(text)
        elif letter == "L":
            self.unit = parse_unit(text)
        elif letter == "K":
            self.key = read_key(text)
        elif self.texts.get(letter) == "":
            self.texts[letter] = text
        else:
            self.information.append((letter, text))


def _read(source: Source, tell: Tell) -> Tune:
    header, lines = _Header(tell), split(source)
    while lines and header.key is None and lines[0].letter:
        header.take(lines.pop(0))
    if header.key is None:
        header.key = Key()
        where = lines[0].number if lines else source.first + len(source.lines)
        tell(Problem(where, 1, "the tune has no key; K: ends the header, before the music"))
    reader = MusicReader(header.meter, tell)
    voices: set[str] = set()
    for line in lines:
        if not line.letter:
            reader.line(line)
        elif line.letter == "V":
            voices.add(line.text.split()[0] if line.text else "")
            if len(voices) == 2:
                tell(Problem(line.number, 1, "the tune has several voices; only tunes of one voice can be read"))
        elif line.letter in _INSIDE:
            reader.field(line)
        else:
            header.information.append((line.letter, line.text))
    meter = header.meter
    unit = header.unit or (Fraction(1, 8) if meter is None else meter.default_length)
    return Tune(
        number=header.number,
        titles=tuple(header.titles),
        meter=meter,
        unit=unit,
        key=header.key,
        body=tuple(reader.body),
        rhythm=header.texts["R"],
        composer=header.texts["C"],
        tempo=header.texts["Q"],
        information=tuple(header.information),
    )
