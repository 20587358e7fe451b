"""Pairs of texts: a codec for each side. The source is read, and only the target is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ostinato.codecs.base import Changes, Codec, Ids, Unknown
from ostinato.codecs.words import split_words
from ostinato.errors import CodecError


class PairCodec(Codec):
    """A codec for sources and one for targets; its own symbols are those of the targets.

    Words keep their usual space: a text of words gets one in front, which ``decode`` takes away.

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
    def unknown(self) -> int | None:
        return self.target.unknown

    def encode(self, text: str) -> Ids:
        """Return the ids of a target, [T] int32."""
        return self.target.encode(_spaced(self.target, text))

    def encode_source(self, text: str) -> Ids:
        """Return the ids of a source, as its own codec has them, [S] int32."""
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
        """Return a target with unknown symbols replaced or left out as ``unknown`` says."""
        return self.target.adapt(text, unknown)

    @property
    def changes(self) -> Changes:
        """Changes on both sides."""
        return self.source.changes + self.target.changes

    def normal(self, text: str) -> str:
        return self.target.normal(text)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "source": self.source.to_json(), "target": self.target.to_json()}


def _spaced(codec: Codec, text: str) -> str:
    return " " + text if codec.name == "words" else text
