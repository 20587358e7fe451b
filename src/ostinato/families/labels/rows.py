"""Batches of labelled sequences of about equal length: texts or frames with their labels."""

from __future__ import annotations

import numpy as np

from ostinato.batch import PairBatch
from ostinato.data.encoded import Array, Encoded
from ostinato.data.pair_streams import SourceTargetRows, cut_rows
from ostinato.errors import CorpusError


class Labelled(SourceTargetRows):
    """Encoded labelled sequences, as ``PairCodec`` writes them: source ids, labels, an end.

    The end is no target here: the number of labels is not learned.

    Args:
        data: The sequences, each ending in the end id; where sources are frames, ids are labels only.
        begin: The begin id; source ids are greater.

    Raises:
        CorpusError: A sequence is empty, or has no label.
    """

    def __init__(self, data: Encoded, begin: int) -> None:
        self._data, self._shift = data, begin + 1
        if data.frames is None:
            before = np.concatenate([[0], np.cumsum(data.ids > begin)])
            self._ids_before: Array = before[data.offsets[1:]] - before[data.offsets[:-1]]
            self.source_lengths: Array = self._ids_before
        else:
            self._ids_before = np.zeros(data.texts, dtype=np.int64)
            self.source_lengths = data.frames.lengths
        self.target_lengths: Array = data.lengths - self._ids_before - 1
        for what, lengths in (("source", self.source_lengths), ("label", self.target_lengths)):
            if not lengths.all():
                raise CorpusError(f"sequence {int(np.flatnonzero(lengths == 0)[0]) + 1:,} has no {what}; leave it out")

    @property
    def sizes(self) -> Array:
        return self.source_lengths

    def batch(self, rows: Array) -> PairBatch:
        lengths, source_lengths = self.target_lengths[rows], self.source_lengths[rows]
        starts = self._data.offsets[rows]
        targets = cut_rows(self._data.ids, starts + self._ids_before[rows], lengths, 0)
        if self._data.frames is None:
            sources = cut_rows(self._data.ids, starts, source_lengths, -self._shift)
        else:
            sources = self._data.frames.batch(rows)
        nothing_read = np.zeros((len(rows), 0), dtype=np.int64)
        fresh = np.ones(len(rows), dtype=bool)
        return PairBatch(
            nothing_read, targets, lengths.astype(np.int64), fresh, sources, source_lengths.astype(np.int64)
        )

    def places(self, stack: int) -> Array:
        """Return the number of places in each sequence if ``stack`` frames are read as one, [N]."""
        return self.source_lengths if self._data.frames is None else -(-self.source_lengths // stack)

    def places_needed(self) -> Array:
        """Return the number of places that unaligned labels need, [N]: one each, and one between two equal ones."""
        ids, owner = self._data.ids, np.repeat(np.arange(len(self)), self._data.lengths)
        equal = (ids[1:] == ids[:-1]) & (owner[1:] == owner[:-1]) & (ids[1:] < self._shift - 1)
        return self.target_lengths + np.bincount(owner[1:][equal], minlength=len(self))

    def keys(self) -> tuple[Array, Array]:
        return self.target_lengths, self.source_lengths
