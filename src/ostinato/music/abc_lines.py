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
        number: In the file, from 1.
        letter: Of its field; empty: it is music; ``%``: a directive.
        text: Of the field, or the music; comments are gone.
        column: Where the text begins, from 1.
    """

    number: int
    letter: str
    text: str
    column: int = 1


@dataclass(frozen=True)
class Source:
    """A tune as it stands in a file.

    Attributes:
        first: Its first line's number.
        lines: Of the file, as they are.
    """

    first: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def sources(lines: Iterable[str]) -> Iterator[Source]:
    """Cut a tunebook into tunes: each begins with ``X:`` and ends before the next, or at an empty line."""
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
    """Tell the lines of a tune apart; empty ones and comments are left out."""
    found, in_header = [], True
    for number, raw in enumerate(source.lines, source.first):
        if raw.startswith("%%"):
            found.append(Line(number, "%", raw[2:].strip()))
            continue
        line = _without_comment(raw)
        if not line.strip():
            continue
        named = _FIELD.fullmatch(line)
        if named is None or (not in_header and _MUSIC.match(line)):
            in_header = False
            found.append(Line(number, "", line))
        else:
            in_header = in_header and named[1] != "K"
            text = named[2].strip().replace("\\%", "%")
            found.append(Line(number, named[1], text, named.start(2) + 1))
    return found


def _without_comment(line: str) -> str:
    """A line up to its comment; a percent sign in quotes begins none."""
    hidden = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), line)
    found = _COMMENT.search(hidden)
    return (line if found is None else line[: found.start()]).rstrip()
