"""Words as the papers count them: split at white space, a line end as ``<eos>``, unknown words as ``<unk>``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids
from ostinato.codecs.words import UNKNOWN_WORD
from ostinato.errors import CodecError

_WORD = re.compile(r"\n|[^\s]+")


class PlainWordCodec(Codec):
    """One id for each known word, one for ``<unk>``, and one for the end of a line, which the papers call ``<eos>``.

    ``<unk>`` in a text is the unknown word. Decoding puts a space after each word, so texts do not come back as they
    were.

    Args:
        words: The known words, most frequent first, without white space in them.
        end: Whether there is an end symbol, besides the end of a line.

    Source: Mikolov's preparation of the Penn Treebank, ``line.split() + ["<eos>"]``; its test part has 82,430 words.
    """

    name: ClassVar[str] = "plain-words"
    spells_words: ClassVar[bool] = False

    def __init__(self, words: Sequence[str], *, end: bool = False) -> None:
        if any(word.split() != [word] for word in words) or len(set(words)) != len(words) or UNKNOWN_WORD in words:
            raise CodecError(f"plain words differ, have no white space in them, and none is {UNKNOWN_WORD}")
        self.words = tuple(words)
        pieces = [*(f"{word} " for word in words), f"{UNKNOWN_WORD} ", "\n"]
        super().__init__([piece.encode() for piece in pieces], end=end, lossless=False)
        self._ids = {word: id_ for id_, word in enumerate([*words, UNKNOWN_WORD, "\n"])}

    @classmethod
    def learn(cls, texts: Iterable[str], *, vocabulary: int, end: bool) -> PlainWordCodec:
        """Take the ``vocabulary`` most frequent words of a corpus, ``<unk>`` and the line end counted among them."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text.split())
        del counts[UNKNOWN_WORD]
        frequent = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(frequent[: max(0, vocabulary - 2)], end=end)

    @property
    def unknown(self) -> int | None:
        return len(self.words)

    def normal(self, text: str) -> str:
        """Return a text with one space after each word, and line ends as they are."""
        return "".join(word if word == "\n" else f"{word} " for word in _WORD.findall(text))

    def encode(self, text: str) -> Ids:
        known, unknown = self._ids, len(self.words)
        return np.fromiter((known.get(word, unknown) for word in _WORD.findall(text)), dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "words": list(self.words), "end": self.end is not None}


def count_words(text: str) -> int:
    """Count the words of a text as the papers do: what white space separates, and every line end.

    >>> count_words("no it was n't black monday \\n but while \\n")
    10
    """
    return len(text.split()) + text.count("\n")
