"""An encoded corpus: ids in one flat array, cut into texts by offsets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Codec

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Encoded:
    """Texts as ids.

    Attributes:
        ids: All ids, one text after another, [N], in the smallest unsigned type that holds them.
            An item's end id is among them.
        offsets: Where each text starts, and where the last one ends, [texts + 1] int64.
    """

    ids: Array
    offsets: Array

    @property
    def texts(self) -> int:
        """How many texts there are."""
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Array:
        """How many ids each text has, [texts]."""
        return np.diff(self.offsets)


def encode_texts(codec: Codec, texts: Iterable[str]) -> Encoded:
    """Encode texts, with the end id after each if the codec has one.

    Raises:
        UnknownSymbolError: A text has symbols that the codec does not know.
    """
    end = [] if codec.end is None else [np.array([codec.end], dtype=np.int32)]
    pieces = [piece for text in texts for piece in (codec.encode(text), *end)]
    lengths = [len(piece) for piece in pieces]
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    ids = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
    return Encoded(ids.astype(_smallest(codec.size)), offsets[:: 1 + len(end)])


def _smallest(size: int) -> np.dtype[Any]:
    return np.min_scalar_type(max(size - 1, 0))
