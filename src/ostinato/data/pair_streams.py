"""Batches of pairs of about equal length: whole sources with whole targets."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np

from ostinato.batch import PairBatch
from ostinato.data.encoded import Array, Encoded
from ostinato.data.streams import Stream
from ostinato.errors import CorpusError

_POOL = 50  # batches that are sorted by length together


class SourceTargetRows(abc.ABC):
    """Sources with their targets, to be cut into batches.

    Attributes:
        source_lengths: Length of each source, [N].
        target_lengths: Length of each target, [N].
    """

    source_lengths: Array
    target_lengths: Array

    def __len__(self) -> int:
        return len(self.target_lengths)

    @property
    def sizes(self) -> Array:
        """Number of places in each pair, as budgets and evaluations count them, [N]."""
        return self.target_lengths

    @abc.abstractmethod
    def batch(self, rows: Array) -> PairBatch:
        """Return a padded batch of the pairs in ``rows``."""

    def by_length(self, order: Array, size: int) -> list[Array]:
        """Cut an order of pairs into batches of ``size`` pairs of about equal length."""
        ordered = order[np.lexsort(tuple(key[order] for key in self.keys()))]
        return [ordered[first : first + size] for first in range(0, len(ordered), size)]

    @abc.abstractmethod
    def keys(self) -> tuple[Array, Array]:
        """Return the lengths to sort pairs by, the most important last."""


class Pairs(SourceTargetRows):
    """Encoded pairs, as ``PairCodec`` writes them: source ids are greater than target ids and the begin id.

    Args:
        data: The pairs, each ending in the end id.
        begin: The id fed before a target's first symbol.

    Attributes:
        source_lengths: Length of each source, [N].
        target_lengths: Length of each target, its end included, [N].

    Raises:
        CorpusError: A source has no symbols.
    """

    def __init__(self, data: Encoded, begin: int) -> None:
        self.begin, self._data = begin, data
        before = np.concatenate([[0], np.cumsum(data.ids > begin)])
        self.source_lengths: Array = before[data.offsets[1:]] - before[data.offsets[:-1]]
        self.target_lengths: Array = data.lengths - self.source_lengths
        if len(self) and not self.source_lengths.all():
            empty = int(np.flatnonzero(self.source_lengths == 0)[0]) + 1
            raise CorpusError(f"pair {empty:,} has a source without any symbol that the model knows; leave it out")

    def batch(self, rows: Array) -> PairBatch:
        lengths, source_lengths = self.target_lengths[rows], self.source_lengths[rows]
        starts = self._data.offsets[rows]
        sources = cut_rows(self._data.ids, starts, source_lengths, -1 - self.begin)
        targets = cut_rows(self._data.ids, starts + source_lengths, lengths, 0)
        inputs = np.concatenate([np.full((len(rows), 1), self.begin), targets[:, :-1]], axis=1)
        fresh = np.ones(len(rows), dtype=bool)
        return PairBatch(inputs, targets, lengths.astype(np.int64), fresh, sources, source_lengths.astype(np.int64))

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


def cut_rows(ids: Array, starts: Array, lengths: Array, shift: int) -> Array:
    """Return stretches of ids as rows, [B, longest] int64, ``shift`` added to each id; padded with 0."""
    places = np.arange(max(1, int(lengths.max(initial=0))))
    inside = places < lengths[:, None]
    at = np.where(inside, starts[:, None] + places, 0)
    rows: Array = np.where(inside, ids[at].astype(np.int64) + shift, 0)
    return rows
