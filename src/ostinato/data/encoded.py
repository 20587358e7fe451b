"""An encoded corpus: ids in one flat array, cut into texts by offsets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ostinato.codecs import Codec
from ostinato.codecs.base import pieces_of
from ostinato.data.columns import Array as Array
from ostinato.data.columns import Column, offsets_of
from ostinato.errors import UnknownSymbolError

_TOGETHER = 2**21  # characters


@dataclass(frozen=True)
class Encoded:
    """Texts as ids.

    Attributes:
        ids: All ids, one text after another, [N], in the smallest unsigned type that holds them.
            An item's end id is among them.
        offsets: Start of each text, then the end of the last one, [texts + 1] int64.
        columns: Columns beside the texts, by name: one example of each for each text.
    """

    ids: Array
    offsets: Array
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle arrays mapped from files as the names of the files: another process maps them as well."""
        arrays = (self.ids, self.offsets)
        if not self.columns and all(
            isinstance(a, np.memmap) and a.nbytes == os.path.getsize(str(a.filename)) for a in arrays
        ):
            return map_encoded, tuple((str(a.filename), a.dtype.str) for a in arrays)  # type: ignore[attr-defined]
        return Encoded, (*arrays, self.columns)

    @property
    def texts(self) -> int:
        """Number of texts."""
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Array:
        """Number of ids in each text, [texts]."""
        return np.diff(self.offsets)

    def part(self, first: int, last: int) -> Encoded:
        """Return the texts from number ``first`` to before ``last``."""
        offsets = self.offsets[first : last + 1]
        columns = {name: column.part(first, last) for name, column in self.columns.items()}
        return Encoded(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0], columns)

    def last(self, most: int) -> Encoded:
        """Return the longest run of final texts with at most ``most`` symbols in all.

        If even the last text is longer, return its final ``most`` symbols.
        """
        if len(self.ids) <= most:
            return self
        first = int(np.searchsorted(self.offsets, len(self.ids) - most))
        if first >= self.texts:
            return Encoded(self.ids[-most:], np.array([0, most]))
        return self.part(first, self.texts)


def map_encoded(ids: tuple[str, str], offsets: tuple[str, str]) -> Encoded:
    """Map encoded texts from two files, each given by its path and the type of its numbers."""
    return Encoded(_mapped(*ids), _mapped(*offsets))


def _mapped(path: str, type_: str) -> Array:
    if not os.path.getsize(path):  # which no system maps
        return np.zeros(0, dtype=type_)
    return np.memmap(path, dtype=type_, mode="r")


def encode_texts(codec: Codec, texts: Iterable[str]) -> Encoded:
    """Encode texts, with the end id after each if the codec has one.

    Raises:
        UnknownSymbolError: A text has symbols that the codec does not know.
    """
    type_ = smallest_type(codec.size)
    end = [] if codec.end is None else [np.array([codec.end], dtype=type_)]
    pieces: list[Array] = []
    lengths: list[int] = []
    for text in texts:
        # In pieces, each brought to the small type at once: what encoding needs on the way is many times as large.
        try:
            encoded = [codec.encode(piece).astype(type_) for piece in pieces_of(text, _TOGETHER)]
        except UnknownSymbolError:
            codec.encode(text)  # whose error has the place in the whole text
            raise
        pieces += encoded + end
        lengths.append(sum(map(len, encoded)) + len(end))
    return Encoded(np.concatenate(pieces) if pieces else np.zeros(0, dtype=type_), offsets_of(lengths))


def smallest_type(size: int) -> np.dtype[Any]:
    """Return the smallest unsigned type that holds the ids of a vocabulary of ``size`` symbols."""
    return np.min_scalar_type(max(size - 1, 0))
