"""Batches of pairs of about equal length: whole sources with whole targets."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np

from ostinato.batch import PairBatch
from ostinato.data.columns import Array, Sequences, cut_rows
from ostinato.data.encoded import Encoded
from ostinato.data.pairs import SOURCE
from ostinato.data.streams import Stream
from ostinato.errors import CorpusError

_POOL = 50  # batches that are sorted by length together


class SourceTargetRows(abc.ABC):
    """Encoded sources with their targets, to be cut into batches.

    Args:
        data: The targets, each ending in the end id, and a column ``source`` of ids or frames.

    Attributes:
        source_lengths: Length of each source, [N].
        target_lengths: Length of each target, [N].
    """

    target_lengths: Array

    def __init__(self, data: Encoded) -> None:
        sources = data.columns[SOURCE]
        assert isinstance(sources, Sequences)
        self.sources, self._data = sources, data
        self.source_lengths: Array = sources.lengths

    def __len__(self) -> int:
        return self._data.texts

    @property
    def sizes(self) -> Array:
        """Number of places in each pair, as budgets and evaluations count them, [N]."""
        return self.target_lengths

    def batch(self, rows: Array) -> PairBatch:
        """Return a padded batch of the pairs in ``rows``."""
        lengths, fresh = self.target_lengths[rows].astype(np.int64), np.ones(len(rows), dtype=bool)
        targets = cut_rows(self._data.ids, self._data.offsets[rows], lengths)
        sources, source_lengths = self.sources.batch(rows), self.source_lengths[rows].astype(np.int64)
        return PairBatch(self.inputs(targets), targets, lengths, fresh, sources, source_lengths)

    @abc.abstractmethod
    def inputs(self, targets: Array) -> Array:
        """Return the ids that are read before targets, [B, T], [B, T]; or none of them, [B, 0]."""

    def by_length(self, order: Array, size: int) -> list[Array]:
        """Cut an order of pairs into batches of ``size`` pairs of about equal length."""
        ordered = order[np.lexsort(tuple(key[order] for key in self.keys()))]
        return [ordered[first : first + size] for first in range(0, len(ordered), size)]

    @abc.abstractmethod
    def keys(self) -> tuple[Array, Array]:
        """Return the lengths to sort pairs by, the most important last."""


class Pairs(SourceTargetRows):
    """Encoded pairs; the end of a target is learned too.

    Args:
        data: The pairs.
        begin: The id fed before a target's first symbol.

    Raises:
        CorpusError: A source has no symbols.
    """

    def __init__(self, data: Encoded, begin: int) -> None:
        super().__init__(data)
        self.begin, self.target_lengths = begin, data.lengths
        if len(self) and not self.source_lengths.all():
            empty = int(np.flatnonzero(self.source_lengths == 0)[0]) + 1
            raise CorpusError(f"pair {empty:,} has a source without any symbol that the model knows; leave it out")

    def inputs(self, targets: Array) -> Array:
        return np.concatenate([np.full((len(targets), 1), self.begin), targets[:, :-1]], axis=1)  # [B, T]

    def keys(self) -> tuple[Array, Array]:
        return self.source_lengths, self.target_lengths


class PairStream(Stream):
    """Pairs in an order drawn anew every epoch; a batch holds pairs of about equal length.

    Args:
        pairs: The pairs.
        batch_size: Pairs B in a batch.
        seed: Seed of the order.

    Raises:
        CorpusError: There are no pairs.
    """

    def __init__(self, pairs: SourceTargetRows, *, batch_size: int, seed: int) -> None:
        if not len(pairs):
            raise CorpusError("there are no pairs to train on")
        self._pairs = pairs
        self._batch_size, self._seed = min(batch_size, len(pairs)), seed
        self._start_epoch(0)

    def next(self) -> PairBatch:
        batch = self._pairs.batch(self._groups[self._group])
        self._group += 1
        if self._group == len(self._groups):
            self._start_epoch(self._epoch + 1)
        return batch

    def position(self) -> dict[str, int]:
        return {"epoch": self._epoch, "group": self._group}

    def seek(self, position: dict[str, int]) -> None:
        self._start_epoch(position["epoch"])
        self._group = position["group"]

    @property
    def batches_per_epoch(self) -> int:
        return len(self._groups)

    def _start_epoch(self, epoch: int) -> None:
        random = np.random.default_rng([self._seed, epoch])
        order, size = random.permutation(len(self._pairs)), self._batch_size
        groups: list[Array] = []
        for first in range(0, len(order), _POOL * size):
            groups += self._pairs.by_length(order[first : first + _POOL * size], size)
        # As many rows in each, whatever number of processes shares them: a short last one is filled from its first.
        self._groups: Sequence[Array] = [np.resize(groups[i], size) for i in random.permutation(len(groups))]
        self._epoch, self._group = epoch, 0
