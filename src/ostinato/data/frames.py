"""Sequences of real vectors: sound, images row by row, pen strokes, measurements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import CorpusError

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Frames:
    """Sequences of frames, one after another.

    Attributes:
        values: All frames, [N, D], in the type that they came in.
        offsets: Where each sequence starts, and where the last one ends, [sequences + 1] int64.
    """

    values: Array
    offsets: Array

    @classmethod
    def joined(cls, sequences: Sequence[Array]) -> Frames:
        """Put sequences [T, D] one after another.

        Raises:
            CorpusError: There is none, or their frames are not equally wide.
        """
        if not sequences:
            raise CorpusError("there are no sequences of frames")
        widths = {one.shape[1] for one in sequences}
        if len(widths) > 1:
            raise CorpusError(f"frames need to be equally wide; some have {min(widths)} numbers, some {max(widths)}")
        return cls(np.concatenate(sequences), _offsets(len(one) for one in sequences))

    @property
    def count(self) -> int:
        """How many sequences there are."""
        return len(self.offsets) - 1

    @property
    def width(self) -> int:
        """How many numbers D a frame has."""
        return int(self.values.shape[1])

    @cached_property
    def lengths(self) -> Array:
        """How many frames each sequence has, [sequences]."""
        return np.diff(self.offsets)

    def one(self, number: int) -> Array:
        """Return one sequence, [T, D]."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def part(self, first: int, last: int) -> Frames:
        """Return the sequences from number ``first`` to before ``last``."""
        offsets = self.offsets[first : last + 1]
        return Frames(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def select(self, chosen: Sequence[int]) -> Frames:
        """Return some of the sequences."""
        if not chosen:
            return Frames(self.values[:0], np.zeros(1, dtype=np.int64))
        return Frames(np.concatenate([self.one(n) for n in chosen]), _offsets(self.lengths[list(chosen)].tolist()))

    def cut(self, width: int) -> Frames:
        """Cut each frame into several, of so many numbers each: a flat image into its rows, or its pixels.

        Raises:
            CorpusError: Frames cannot be cut so.
        """
        if self.width % width:
            raise CorpusError(
                f"frame = {width} does not fit: {self.width} numbers cannot be cut into frames of {width}"
            )
        return Frames(self.values.reshape(-1, width), self.offsets * (self.width // width))

    def batch(self, rows: Array) -> Array:
        """Return some sequences side by side, [B, T, D] float32, zero past their ends."""
        found = np.zeros((len(rows), int(self.lengths[rows].max(initial=1)), self.width), dtype=np.float32)
        for place, row in enumerate(rows.tolist()):
            own = self.one(row)
            found[place, : len(own)] = own
        return found

    def digests(self) -> list[str]:
        """A digest of each sequence, so that equal ones are known to be equal."""
        return [
            hashlib.blake2b(np.ascontiguousarray(self.one(n)).tobytes(), digest_size=16).hexdigest()
            for n in range(self.count)
        ]

    def arrays(self, name: str) -> dict[str, Array]:
        """Both arrays, their names after ``name``."""
        return {f"{name}_frames": self.values, f"{name}_frame_offsets": self.offsets}

    @classmethod
    def of_arrays(cls, name: str, arrays: dict[str, Any]) -> Frames | None:
        """What ``arrays`` gave, if it is there."""
        if f"{name}_frames" not in arrays:
            return None
        return cls(arrays[f"{name}_frames"], arrays[f"{name}_frame_offsets"])


def _offsets(lengths: Iterable[int]) -> Array:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, dtype=np.int64))]).astype(np.int64)
