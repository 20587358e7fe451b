"""The words that may come next, each with its probability: the sum over all symbols that may end it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Codec
from ostinato.families.text.inspecting.reading import Reader

_WIDTH = 256  # beginnings that are followed at once
_LONGEST, _LEAD = 24, 3  # symbols of a word, and before it
_BRANCHES = 24  # ways on from each beginning
_LEAST = 1e-6  # beginnings that are less probable are left out
_INSIDE = "'’_"  # characters inside words, besides letters and digits


@dataclass(frozen=True)
class NextWord:
    """A word that may come next.

    Attributes:
        word: The whole word, with what of it stands in the text already.
        text: The text to write for it: the rest of the word, and what stands before it.
        probability: The probability that this word comes, and ends there.
    """

    word: str
    text: str
    probability: float


class Joins:
    """Symbols that go on with a word, and those that end it.

    Args:
        codec: The codec.

    Attributes:
        goes_on: Whether a symbol begins with a character of a word, [V].
        has_word: Whether it has a letter or digit, with which a word begins, [V].
    """

    def __init__(self, codec: Codec) -> None:
        texts = [piece.decode(errors="replace") for piece in codec.pieces]
        self.goes_on: NDArray[np.bool_] = np.array([bool(text) and _is_inside(text[0]) for text in texts])
        self.has_word: NDArray[np.bool_] = np.array([any(map(_begins, text)) for text in texts])


@dataclass(frozen=True)
class _Beginning:
    data: bytes
    probability: float
    row: int  # in the reader's state
    in_word: bool
    lead: int


def next_words(reader: Reader, codec: Codec, text: str, state: Any, count: int) -> tuple[tuple[NextWord, ...], float]:
    """Return the likeliest words after a text, likeliest first, and the probability of all others together.

    All beginnings that can still become one of the likeliest words are followed, 256 at most; a word ends where the
    next symbol does not go on with it. Its probability is exact but for ways of spelling it that are less probable than
    one in a million.

    Args:
        reader: Reads on.
        codec: The model's codec.
        text: The text.
        state: The reader's state after it.
        count: Number of words.
    """
    if not codec.spells_words:
        return (), 1.0
    joins = Joins(codec)
    before = _last_word(text)
    level = [_Beginning(b"", 1.0, 0, bool(before), 0)]
    words: dict[bytes, float] = {}
    for _ in range(_LONGEST):
        shares = np.exp(reader.log_probs(state)[[one.row for one in level]])
        coming: list[tuple[float, int, int]] = []  # probability, beginning, symbol
        for number, (one, share) in enumerate(zip(level, shares, strict=True)):
            if one.in_word:
                words[one.data] = words.get(one.data, 0.0) + one.probability * float(share[~joins.goes_on].sum())
                ways = joins.goes_on
            else:
                ways = joins.has_word if one.lead >= _LEAD else np.ones(len(share), dtype=bool)
            mass = np.where(ways, share, 0.0)
            for symbol in np.argsort(-mass)[:_BRANCHES].tolist():
                if (own := one.probability * float(mass[symbol])) > _LEAST and symbol != codec.end:
                    coming.append((own, number, symbol))
        coming.sort(key=lambda way: -way[0])
        worst = sorted([*words.values(), *[0.0] * count], reverse=True)[count - 1]
        coming = [way for way in coming if way[0] > worst][:_WIDTH]  # no other can become one of the likeliest
        if not coming:
            break
        state = reader.step(state, [level[number].row for _, number, _ in coming], [symbol for *_, symbol in coming])
        level = [
            _Beginning(
                level[number].data + codec.pieces[symbol], own, row,
                level[number].in_word or bool(joins.has_word[symbol]), level[number].lead + 1,
            )
            for row, (own, number, symbol) in enumerate(coming)
        ]  # fmt: skip
    best = sorted(words.items(), key=lambda item: -item[1])[:count]
    told = tuple(
        NextWord(before + written if before else written.lstrip(" "), written, share)
        for written, share in ((data.decode(errors="replace"), share) for data, share in best)
        if share > 0
    )
    return told, max(0.0, 1.0 - sum(one.probability for one in told))


def _begins(character: str) -> bool:
    return character.isalnum() or character == "\ufffd"  # a byte that is no character by itself is a part of one


def _is_inside(character: str) -> bool:
    return _begins(character) or character in _INSIDE


def _last_word(text: str) -> str:
    at = len(text)
    while at and _is_inside(text[at - 1]):
        at -= 1
    return text[at:]
