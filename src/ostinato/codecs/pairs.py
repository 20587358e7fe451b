"""Pairs of texts: a codec for each side. Only the target is predicted; the source's ids follow the target's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Changes, Codec, Ids, Unknown
from ostinato.codecs.words import split_words
from ostinato.errors import CodecError

#: Between the source and the target of a pair that is written as one text.
BETWEEN = "\t"


class PairCodec(Codec):
    """Pairs, each written as one text: source, tab, target.

    The ids ``0 .. V - 1`` are those of the target, ``V`` is the begin symbol, and ``V + 1 + i`` is the source's id i.
    So a pair is one run of ids, and where the source ends can be seen. Words keep their usual space: a text of words
    gets one in front, which ``decode`` takes away.

    Args:
        source: Codec of the source; it needs no end symbol.
        target: Codec of the target, with an end symbol.

    Raises:
        CodecError: The target has no end symbol.
    """

    name: ClassVar[str] = "pairs"

    def __init__(self, source: Codec, target: Codec) -> None:
        if target.end is None:
            raise CodecError("the target of a pair needs an end symbol")
        # An unknown word is written apart from the one before it, as words are.
        pieces = [
            b" " + piece if number == target.unknown else piece for number, piece in enumerate(target.pieces[:-1])
        ]
        super().__init__(pieces, end=True, lossless=source.lossless and target.lossless)
        self.source, self.target = source, target

    @property
    def span(self) -> int:
        return self.size + 1 + self.source.size

    @property
    def unknown(self) -> int | None:
        return self.target.unknown

    def encode(self, text: str) -> Ids:
        source, target = _sides(text)
        ids = [self.encode_source(source) + self.size + 1, self.target.encode(_spaced(self.target, target))]
        return np.concatenate(ids).astype(np.int32)

    def encode_source(self, text: str) -> Ids:
        """Return the ids of a source alone, as its own codec has them."""
        return self.source.encode(_spaced(self.source, text))

    def source_symbols(self, text: str, ids: Sequence[int]) -> tuple[str, ...]:
        """Return the symbol of each id of a source; for an unknown word, the word itself."""
        if self.source.name == "words" and self.source.unknown is not None:
            return tuple(split_words(_spaced(self.source, text), spell=False))
        return tuple(self.source.pieces[id_].decode(errors="replace") for id_ in ids)

    @property
    def symbols(self) -> str:
        if self.source.name == self.target.name:
            return f"{self.source.size} source and {self.size} target {self.target.name}"
        return f"{self.source.symbols} and {self.target.symbols}"

    def decode(self, ids: Any) -> str:
        """Return the text of a target."""
        return super().decode(ids).removeprefix(" " * (self.target.name == "words"))

    def adapt(self, text: str, unknown: Unknown) -> str:
        return self._each(text, lambda codec, side: codec.adapt(side, unknown))

    @property
    def changes(self) -> Changes:
        return self.source.changes + self.target.changes

    def normal(self, text: str) -> str:
        return self._each(text, lambda codec, side: codec.normal(side))

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "source": self.source.to_json(), "target": self.target.to_json()}

    def _each(self, text: str, change: Callable[[Codec, str], str]) -> str:
        source, target = _sides(text)
        return change(self.source, source) + BETWEEN + change(self.target, target)


def _sides(text: str) -> tuple[str, str]:
    source, between, target = text.partition(BETWEEN)
    if not between or BETWEEN in target:
        raise CodecError(f"a pair is source, tab, target; got {text[:40]!r}")
    return source, target


def _spaced(codec: Codec, text: str) -> str:
    return " " + text if codec.name == "words" else text
