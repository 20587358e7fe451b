"""The lines of ABC notation: tunes of a tunebook, fields and music, comments taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_FIELD = re.compile(r"([A-Za-z+]):\s*(.*)")
_MUSIC = re.compile(r"[A-Gza-g]:[|:]")  # after the header G:| is music
_COMMENT = re.compile(r"(?<!\\)%.*")
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Line:
    """A line of a tune.

    Attributes:
        number: Its number in the file, from 1.
        letter: Letter of its field; empty: music; ``%``: a directive.
        text: Text of the field, or the music, without comments.
        column: Column in which the text begins, from 1.
    """

    number: int
    letter: str
    text: str
    column: int = 1


@dataclass(frozen=True)
class Source:
    """A tune as it stands in a file.

    Attributes:
        first: Number of its first line.
        lines: Its lines, as in the file.
    """

    first: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def sources(lines: Iterable[str]) -> Iterator[Source]:
    """Yield the tunes of a tunebook: each begins with ``X:`` and ends before the next, or at an empty line."""
    tune: Source | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if line.startswith("X:"):
            if tune is not None:
                yield tune
            tune = Source(number)
        if tune is not None:
            if not line.strip():
                yield tune
                tune = None
                continue
            tune.lines.append(line)
    if tune is not None:
        yield tune


def split(source: Source) -> list[Line]:
    """Return the lines of a tune, each a field, a directive or music, without empty ones and comments."""
    lines, in_header = [], True
    for number, raw in enumerate(source.lines, source.first):
        if raw.startswith("%%"):
            lines.append(Line(number, "%", raw[2:].strip()))
            continue
        line = _without_comment(raw)
        if not line.strip():
            continue
        named = _FIELD.fullmatch(line)
        if named is None or (not in_header and _MUSIC.match(line)):
            in_header = False
            lines.append(Line(number, "", line))
        else:
            in_header = in_header and named[1] != "K"
            text = named[2].strip().replace("\\%", "%")
            lines.append(Line(number, named[1], text, named.start(2) + 1))
    return lines


def _without_comment(line: str) -> str:
    """Return a line without its comment; a percent sign in quotes begins none."""
    hidden = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), line)
    comment = _COMMENT.search(hidden)
    return (line if comment is None else line[: comment.start()]).rstrip()
