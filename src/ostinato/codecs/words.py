"""Words, reversibly: a word takes the space before it along, so joining the symbols gives the text back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids
from ostinato.errors import CodecError

UNKNOWN_WORD = "<unk>"
# Every character is part of exactly one match, so nothing is lost: a run of letters and digits or one
# other mark, each with one space before it if there is one; other white space stands alone.
_WORD = re.compile(r" ?\w+| ?[^\w\s]|\s")
_WORD_OR_UNKNOWN = re.compile(rf" ?{UNKNOWN_WORD}|{_WORD.pattern}")


class WordCodec(Codec):
    """One id for each frequent word; a rare one is spelled out in UTF-8 bytes, or becomes ``<unk>``.

    Args:
        words: The known words, most frequent first, each with its space before it (``" the"``).
        spell: Whether an unknown word is spelled out, by 256 more ids. If not, it becomes one ``<unk>``, as what is
            ``<unk>`` in a text already is, and only texts whose words are all known come back as they were.
        end: Whether there is an end symbol.
    """

    name: ClassVar[str] = "words"

    def __init__(self, words: Sequence[str], *, spell: bool = True, end: bool = False) -> None:
        if len(set(words)) != len(words):
            raise CodecError("a word codec was given the same word twice")
        self.words = tuple(words)
        self.spell = spell
        rest = [bytes([value]) for value in range(256)] if spell else [UNKNOWN_WORD.encode()]
        super().__init__([*(word.encode() for word in words), *rest], end=end, lossless=spell)
        self._ids = {word: id_ for id_, word in enumerate(words)}

    @classmethod
    def learn(cls, texts: Iterable[str], *, vocabulary: int, spell: bool, end: bool) -> WordCodec:
        """Take the ``vocabulary`` most frequent words of a corpus that occur at least twice.

        A word that occurs once has nothing to be learned from: leaving these out is what gives the
        way of writing unknown words its training data.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split_words(text, spell=spell))
        if not spell:
            del counts[UNKNOWN_WORD], counts[f" {UNKNOWN_WORD}"]
        frequent = sorted((w for w, n in counts.items() if n > 1), key=lambda w: (-counts[w], w))
        return cls(frequent[:vocabulary], spell=spell, end=end)

    @property
    def unknown(self) -> int | None:
        return None if self.spell else len(self.words)

    def encode(self, text: str) -> Ids:
        return np.fromiter(self._encode(text), dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "words": list(self.words), "spell": self.spell, "end": self.end is not None}

    def _encode(self, text: str) -> Iterator[int]:
        known, first_byte = self._ids, len(self.words)
        for word in split_words(text, spell=self.spell):
            if word in known:
                yield known[word]
            elif self.spell:
                yield from (first_byte + value for value in word.encode())
            else:
                yield first_byte


def split_words(text: str, *, spell: bool = True) -> list[str]:
    """Cut a text into words that give it back when joined; without ``spell``, ``<unk>`` is one word.

    >>> split_words("To be,  or not?\\n")
    ['To', ' be', ',', ' ', ' or', ' not', '?', '\\n']
    """
    return (_WORD if spell else _WORD_OR_UNKNOWN).findall(text)
