"""Labels of the characters of a text, found by small automata: what a cell might know.

A label says something about the text up to and with a character, such as whether a quotation is open; only that of a
``url`` knows of each character of the span what its end shows. Labels are booleans, or numbers such as the depth of
indentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from runpy import run_path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError, unknown_name

Labels: TypeAlias = NDArray[np.float64]
"""A number for each character of a text, [T]; 0 and 1 where it is a question of yes or no."""
Labeller: TypeAlias = Callable[[str], Any]
_OPEN, _CLOSE = "([{", ")]}"
_FILE = ".py"
_URL = re.compile(r"https?://[^\s)>\"']+")
_STRING = re.compile(r"'''|\"\"\"|'|\"")


def _quotes(text: str) -> Iterator[bool]:
    """Whether a double quotation mark is open; a blank line closes it."""
    is_open, before = False, ""
    for character in text:
        if character == '"':
            is_open = not is_open
        elif character in "“”":
            is_open = character == "“"
        elif character == before == "\n":
            is_open = False
        before = character
        yield is_open


def _brackets(text: str) -> Iterator[int]:
    """Depth of round, square and curly brackets; never under 0."""
    depth = 0
    for character in text:
        depth = max(0, depth + (character in _OPEN) - (character in _CLOSE))
        yield depth


def _indent(text: str) -> Iterator[int]:
    """Spaces at the beginning of the line, as far as it has been read; a tabulator is eight."""
    depth, is_leading = 0, True
    for character in text:
        if character == "\n":
            depth, is_leading = 0, True
        elif is_leading and character in " \t":
            depth += 8 if character == "\t" else 1
        else:
            is_leading = False
        yield depth


def _line_position(text: str) -> Iterator[int]:
    place = 0
    for character in text:
        place = 0 if character == "\n" else place + 1
        yield place


def _word_position(text: str) -> Iterator[int]:
    place = 0
    for character in text:
        place = place + 1 if character.isalnum() else 0
        yield place


def _comment(text: str) -> Iterator[bool]:
    """Whether the line has had a # outside a string, as in Python."""
    is_comment = False
    for character, in_string in zip(text, _string(text), strict=True):
        if character == "\n":
            is_comment = False
        elif character == "#" and not in_string:
            is_comment = True
        yield is_comment


def _string(text: str) -> Iterator[bool]:
    """Whether a string of Python is open; one of a single line ends with it, and marks in comments do not count."""
    marks = {match.start(): match[0] for match in _STRING.finditer(text)}
    quote, is_comment, place, skip = "", False, 0, 0
    for place, character in enumerate(text):
        if skip:
            skip -= 1
        elif character == "\n":
            quote, is_comment = quote if len(quote) > 1 else "", False
        elif quote:
            if character == "\\":
                skip = 1
            elif text.startswith(quote, place):
                skip, quote = len(quote) - 1, ""
        elif not is_comment:
            is_comment = character == "#"
            if character in "'\"":
                quote = marks.get(place, character)
                skip = len(quote) - 1
        yield bool(quote)


def _spans(pattern: re.Pattern[str]) -> Labeller:
    def label(text: str) -> NDArray[np.bool_]:
        inside = np.zeros(len(text), dtype=bool)
        for match in pattern.finditer(text):
            inside[match.start() : match.end()] = True
        return inside

    return label


def _speaker(text: str) -> Iterator[bool]:
    """Whether this is the line of a speaker's name in a play, such as ``MENENIUS:``: the first after a blank line.

    It ends with its colon; a line that has anything but letters and spaces before is none from there on.
    """
    is_name, before = True, "\n\n"
    for character in text:
        if before == "\n\n":
            is_name = True
        if is_name and not (character.isalpha() or character in " :"):
            is_name = False
        yield is_name
        is_name = is_name and character != ":"
        before = before[1:] + character


def is_question(labels: Labels) -> bool:
    """Return whether labels are of yes and no, and no numbers."""
    return bool(np.isin(labels, (0.0, 1.0)).all())


#: The labels that have a name.
LABELLERS: dict[str, Labeller] = {
    "quotes": _quotes,
    "brackets": _brackets,
    "indent": _indent,
    "line-position": _line_position,
    "word-position": _word_position,
    "upper": lambda text: [character.isupper() for character in text],
    "digits": lambda text: [character.isdigit() for character in text],
    "comment": _comment,
    "string": _string,
    "url": _spans(_URL),
    "speaker": _speaker,
}


def label(name: str, text: str, labellers: Mapping[str, Labeller] = LABELLERS) -> Labels:
    """Return a label of every character of a text, by its name.

    Raises:
        ConfigError: There is no such label.
    """
    if name not in labellers:
        raise unknown_name("label", name, labellers, where="--find")
    return labels_by(labellers[name], text, name)


def labels_named(names: str, text: str, labellers: Mapping[str, Labeller] = LABELLERS) -> dict[str, Labels]:
    """Return labels of every character of a text, by their names.

    Args:
        names: Names with commas; a file such as ``mine.py`` stands for all functions in it, ``mine.py:NAME`` for one.
        text: The text.
        labellers: The labels that have a name.

    Raises:
        ConfigError: There is no such label or file, or a labeller does not give a number for each character.
    """
    labels: dict[str, Labels] = {}
    for name in filter(None, (one.strip() for one in names.split(","))):
        file, _, function = name.partition(_FILE)
        if _FILE in name:
            own = labellers_in(Path(file + _FILE), function.lstrip(":"))
            labels |= {other: labels_by(labeller, text, other) for other, labeller in own.items()}
        else:
            labels[name] = label(name, text, labellers)
    if not labels:
        raise ConfigError(f"name at least one label, of {', '.join(labellers)}, or a file of your own: mine.py")
    return labels


def labellers_in(path: Path, function: str = "") -> dict[str, Labeller]:
    """Return the labellers in a Python file, which is run: the functions that it defines, or one of them.

    Raises:
        ConfigError: There is no such file or function, or it fails.
    """
    if not path.is_file():
        raise ConfigError(f"there is no file {path} of labellers")
    try:
        names = run_path(str(path), run_name=path.stem)
    except Exception as error:
        raise ConfigError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    own = {
        name: value
        for name, value in names.items()
        if callable(value) and not name.startswith("_") and value.__module__ == path.stem
    }
    if function and function not in own:
        raise unknown_name("labeller", function, own, where=str(path))
    if not own:
        raise ConfigError(f"{path} defines no function; a labeller is one of a text, with a number for each character")
    return {function: own[function]} if function else own


def labels_by(labeller: Labeller, text: str, name: str) -> Labels:
    """Return what a labeller says of every character of a text.

    Args:
        labeller: A function of the text that gives a number, or yes or no, for each character.
        text: The text.
        name: The name of the label, for messages.

    Raises:
        ConfigError: It gives another number of labels, or something that is no number.
    """
    try:
        given = labeller(text)
    except Exception as error:
        raise ConfigError(f"label {name!r}: its labeller fails: {type(error).__name__}: {error}") from error
    try:
        labels = np.asarray(list(given), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"label {name!r}: a label is a number, or True or False: {error}") from error
    if labels.shape != (len(text),) or not np.isfinite(labels).all():
        raise ConfigError(
            f"label {name!r}: a labeller gives a finite number for each of the {len(text):,} characters, and this one "
            f"gave the shape {labels.shape}"
        )
    return labels
