"""Tokens of plain text, for taggers that learned their labels on words and marks that stand apart."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator

_LETTERS = re.compile(r"[^\W\d](?:\.[^\W\d])*")  # J, U.S


def tokenise(text: str, is_word: Callable[[str], bool] = lambda chunk: False) -> str:
    """Return a text with a space between its tokens.

    Marks at the beginning and at the end of what white space separates become tokens of their own, a run of one mark
    a single one. A stop stays with a single letter, and with letters that have stops between them.

    Args:
        text: The text.
        is_word: Whether a piece between white space is a word of the model's, which stays whole.

    >>> tokenise("Don't ask: it's 3.50 (or so), O'Neill... in the U.S.")
    "Don't ask : it's 3.50 ( or so ) , O'Neill ... in the U.S."
    """
    return " ".join(token for chunk in text.split() for token in ([chunk] if is_word(chunk) else _parted(chunk)))


def _parted(chunk: str) -> Iterator[str]:
    first, last = 0, len(chunk)
    while first < last and _is_mark(chunk[first]):
        first += 1
    while last > first and _is_mark(chunk[last - 1]):
        last -= 1
    word, after = chunk[first:last], chunk[last:]
    if after.startswith(".") and not after.startswith("..") and _LETTERS.fullmatch(word):
        word, after = f"{word}.", after[1:]
    yield from _runs(chunk[:first])
    if word:
        yield word
    yield from _runs(after)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _runs(marks: str) -> Iterator[str]:
    return ("".join(run) for _, run in itertools.groupby(marks))
