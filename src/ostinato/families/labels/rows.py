"""Batches of labelled sequences of about equal length: texts or frames with their labels."""

from __future__ import annotations

import numpy as np

from ostinato.data.columns import Array
from ostinato.data.encoded import Encoded
from ostinato.data.frames import Frames
from ostinato.data.pair_streams import SourceTargetRows
from ostinato.errors import CorpusError


class Labelled(SourceTargetRows):
    """Encoded labelled sequences. The end is no target here: the number of labels is not learned.

    Args:
        data: The labels of each, with the end id, and their sources: ids or frames.

    Raises:
        CorpusError: A sequence is empty, or has no label.
    """

    def __init__(self, data: Encoded) -> None:
        super().__init__(data)
        self.target_lengths = data.lengths - 1
        for what, lengths in (("source", self.source_lengths), ("label", self.target_lengths)):
            if not lengths.all():
                raise CorpusError(f"sequence {int(np.flatnonzero(lengths == 0)[0]) + 1:,} has no {what}; leave it out")

    @property
    def sizes(self) -> Array:
        return self.source_lengths

    def inputs(self, targets: Array) -> Array:
        """Return no inputs, [B, 0]: labels are predicted from the source alone."""
        return np.zeros((len(targets), 0), dtype=np.int64)

    def places(self, stack: int) -> Array:
        """Return the number of places in each sequence if ``stack`` frames are read as one, [N]."""
        return -(-self.source_lengths // stack) if isinstance(self.sources, Frames) else self.source_lengths

    def places_needed(self) -> Array:
        """Return the number of places that unaligned labels need, [N]: one each, and one between two equal ones."""
        ids, owner = self._data.ids, np.repeat(np.arange(len(self)), self._data.lengths)
        equal = (ids[1:] == ids[:-1]) & (owner[1:] == owner[:-1])
        return self.target_lengths + np.bincount(owner[1:][equal], minlength=len(self))

    def keys(self) -> tuple[Array, Array]:
        return self.target_lengths, self.source_lengths
