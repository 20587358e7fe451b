"""Sequences of real vectors: sound, images row by row, pen strokes, measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ostinato.data.columns import Array, Sequences, offsets_of
from ostinato.errors import CorpusError


class Frames(Sequences):
    """Sequences of frames: values [N, D]."""

    kind: ClassVar[str] = "frames"
    dimensions: ClassVar[int] = 2

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
        return cls(np.concatenate(sequences), offsets_of(len(one) for one in sequences))

    @property
    def width(self) -> int:
        """Number of values D in a frame."""
        return int(self.values.shape[1])

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
