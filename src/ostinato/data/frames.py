"""Sequences of real vectors: sound, images row by row, pen strokes, measurements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ostinato.data.columns import Array, Column, check_offsets
from ostinato.errors import CorpusError


@dataclass(frozen=True)
class Frames(Column):
    """Sequences of frames, one after another.

    Attributes:
        values: All frames, [N, D], in their original type.
        offsets: Start of each sequence, then the end of the last one, [sequences + 1] int64.
    """

    kind: ClassVar[str] = "frames"
    values: Array
    offsets: Array

    @classmethod
    def joined(cls, sequences: Sequence[Array]) -> Frames:
        """Put sequences [T, D] one after another.

        Raises:
            CorpusError: There are none, or their frames differ in width.
        """
        if not sequences:
            raise CorpusError("there are no sequences of frames")
        widths = {one.shape[1] for one in sequences}
        if len(widths) > 1:
            raise CorpusError(f"frames need to be equally wide; some have {min(widths)} numbers, some {max(widths)}")
        return cls(np.concatenate(sequences), _offsets(len(one) for one in sequences))

    @property
    def count(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    @property
    def places(self) -> int:
        """Number of frames in all."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Number of values D in a frame."""
        return int(self.values.shape[1])

    @cached_property
    def lengths(self) -> Array:
        """Number of frames in each sequence, [sequences]."""
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
        """Cut each frame into several of ``width`` numbers: a flat image into its rows, or its pixels.

        Raises:
            CorpusError: The width of the frames is no multiple of ``width``.
        """
        if self.width % width:
            raise CorpusError(
                f"frame = {width} does not fit: {self.width} numbers cannot be cut into frames of {width}"
            )
        return Frames(self.values.reshape(-1, width), self.offsets * (self.width // width))

    def batch(self, rows: Array) -> Array:
        """Return a batch of sequences, [B, T, D] float32, padded with zeros."""
        padded = np.zeros((len(rows), int(self.lengths[rows].max(initial=1)), self.width), dtype=np.float32)
        for place, row in enumerate(rows.tolist()):
            own = self.one(row)
            padded[place, : len(own)] = own
        return padded

    def digests(self) -> list[str]:
        """Return a digest of each sequence, equal for equal sequences."""
        return [
            hashlib.blake2b(np.ascontiguousarray(self.one(n)).tobytes(), digest_size=16).hexdigest()
            for n in range(self.count)
        ]

    def arrays(self) -> dict[str, Array]:
        return {"values": self.values, "offsets": self.offsets}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> Frames:
        """Return the frames that ``arrays`` gave.

        Raises:
            ValueError: They are of no frames.
        """
        if arrays.keys() != {"values", "offsets"} or arrays["values"].ndim != 2:
            raise ValueError("frames have values [N, D] and offsets")
        check_offsets(arrays["offsets"], len(arrays["values"]))
        return cls(arrays["values"], arrays["offsets"])


def _offsets(lengths: Iterable[int]) -> Array:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, dtype=np.int64))]).astype(np.int64)
