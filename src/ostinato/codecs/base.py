"""The interface of codecs: raw text to integer ids and back, whole or symbol by symbol."""

from __future__ import annotations

import abc
import codecs as standard_codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError

Ids: TypeAlias = NDArray[np.int32]
Unknown: TypeAlias = Literal["error", "nearest", "skip"]


_PLACE = re.compile(r"\S(?=[ \n])")


@dataclass(frozen=True)
class Changes:
    """Unknown symbols of the texts that were adapted to a codec.

    Attributes:
        changed: Number of unknown symbols that were replaced or left out.
        symbols: Number of symbols in these texts.
    """

    changed: int = 0
    symbols: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.changed + other.changed, self.symbols + other.symbols)


class Codec(abc.ABC):
    """A vocabulary of symbols, each with an id, and the way from text to ids.

    Ids ``0 .. size - 1`` are the symbols a model predicts. One more id, ``begin``, is only ever an
    input: it is fed before the first symbol of a text, so that this one has a probability too.

    Attributes:
        name: Name of this kind of codec in settings and codec.json.
        pieces: The UTF-8 bytes of every symbol, by id; a symbol may be part of a character.
        end: The id that ends an item, or ``None`` where texts have no end.
        spells_words: Whether several symbols may make up a word.
        lossless: Whether ``decode(encode(text)) == text`` for every text that ``encode`` takes.
    """

    name: ClassVar[str]
    spells_words: ClassVar[bool] = True

    def __init__(self, pieces: Sequence[bytes], *, end: bool, lossless: bool = True) -> None:
        self.lossless = lossless
        self.end = len(pieces) if end else None
        self.pieces: tuple[bytes, ...] = (*pieces, b"") if end else tuple(pieces)
        self._changes, self._counted = Changes(), set[int]()

    @abc.abstractmethod
    def encode(self, text: str) -> Ids:
        """Return the ids of a text, [T] int32, without begin and end.

        Raises:
            UnknownSymbolError: The text has symbols outside the vocabulary and there is no fallback.
        """

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return plain data from which ``ostinato.codecs.from_json`` builds an equal codec."""

    @property
    def size(self) -> int:
        """Number V of ids that a model predicts."""
        return len(self.pieces)

    @property
    def symbols(self) -> str:
        """Number and kind of the symbols, for people."""
        return f"{self.size} {self.name}"

    @property
    def begin(self) -> int:
        """The id fed before the first symbol; never predicted."""
        return self.size

    def adapt(self, text: str, unknown: Unknown) -> str:
        """Return ``text`` with unknown symbols replaced or left out as ``unknown`` says; ``changes`` counts them."""
        if unknown not in ("error", "nearest", "skip"):
            raise ConfigError(f"unknown must be 'error', 'nearest' or 'skip', got {unknown!r}")
        if unknown == "error":
            return text
        adapted, changes = self.without_unknown(text, unknown)
        if not self._counted.isdisjoint((hash(text), hash(adapted))):  # adapted before, on its way here
            return adapted
        if changes.changed:
            self._counted |= {hash(text), hash(adapted)}
        self._changes += changes
        return adapted

    def without_unknown(self, text: str, unknown: Unknown) -> tuple[str, Changes]:
        """Return an adapted text and what was changed in it, which ``changes`` does not count."""
        return text, Changes()

    @property
    def changes(self) -> Changes:
        """The changes that ``adapt`` has made in all texts so far."""
        return self._changes

    def normal(self, text: str) -> str:
        """Return a text in the form in which the codec encodes it."""
        return text

    @property
    def unknown(self) -> int | None:
        """The id that stands for every unknown symbol; ``None`` where there is none."""
        return None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids; bytes that are no UTF-8 become U+FFFD, an end id becomes nothing."""
        return b"".join(self.pieces[i] for i in ids).decode("utf-8", errors="replace")

    def decoder(self) -> Decoder:
        """Return a decoder that takes one id at a time and never gives out half a character."""
        return Decoder(self.pieces)


class Decoder:
    """A decoder of a stream of ids, which holds bytes back until they are a whole character."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._bytes = standard_codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, id_: int) -> str:
        """Take one id; return the characters that are complete now, often one, sometimes none."""
        return self._bytes.decode(self._pieces[id_])

    def feed_all(self, ids: Iterable[int]) -> str:
        """Take several ids; return the characters that are complete after them."""
        return self._bytes.decode(b"".join([self._pieces[id_] for id_ in ids]))

    def flush(self) -> str:
        """Return what an unfinished character leaves at the end: U+FFFD, or nothing."""
        return self._bytes.decode(b"", final=True)


def pieces_of(text: str, size: int) -> Iterator[str]:
    """Cut a text into pieces of about ``size`` characters that can be encoded one by one.

    A piece ends before white space that follows something else: no codec joins symbols across that.
    """
    start = 0
    while start < len(text):
        place = _PLACE.search(text, start + size)
        end = place.end() if place else len(text)
        yield text[start:end]
        start = end
