"""Streams: endless, resumable sequences of batches. The batches that follow depend on the position alone."""

from __future__ import annotations

import abc

import numpy as np

from ostinato.batch import Batch, SymbolBatch
from ostinato.data.encoded import Array, Encoded
from ostinato.errors import CorpusError

_POOL = 32  # batches of items sorted by length together: enough to pad little, few enough to stay mixed


class Stream(abc.ABC):
    """Batches without end, epoch after epoch.

    The law that tests/laws/test_streams.py holds every stream to: after ``seek(position())`` the same
    batches follow. Randomness comes from (seed, epoch) only.
    """

    @abc.abstractmethod
    def next(self) -> Batch:
        """Return the batch at the present position and move on."""

    @abc.abstractmethod
    def position(self) -> dict[str, int]:
        """Return the present position as plain data."""

    @abc.abstractmethod
    def seek(self, position: dict[str, int]) -> None:
        """Go back, or forward, to a position that ``position()`` gave."""

    @property
    @abc.abstractmethod
    def batches_per_epoch(self) -> int:
        """Number of batches in the present epoch."""


class ContinuousStream(Stream):
    """B rows of one long text, read in windows; a row's state is carried from window to window.

    Every epoch shifts the rows by a random offset, so that windows are cut at other places. A row
    is fresh where it starts, and now and then in between (``restart``): a model that has never seen
    an empty state in the middle of a text is bad at prompts.

    Args:
        data: One text, N ids.
        begin: The id fed where a row starts anew.
        batch_size: Rows B.
        window: Time steps T of a batch.
        seed: Seed of offsets and restarts.
        restart: Probability that a row starts anew at a window.

    Raises:
        CorpusError: The text is too short for one window in each row.
    """

    def __init__(
        self, data: Encoded, begin: int, *, batch_size: int, window: int, seed: int, restart: float = 0.0
    ) -> None:
        self._ids = data.ids
        self._begin = begin
        self._batch_size, self._window = batch_size, window
        self._seed, self._restart = seed, restart
        if len(data.ids) < batch_size * window + window:
            raise CorpusError(
                f"the training text has {len(data.ids)} symbols, fewer than batch_size + 1 = {batch_size + 1} "
                f"windows of {window}. Give more text, or --set window={max(1, len(data.ids) // 2)} --set batch_size=1"
            )
        self._start_epoch(0, 0)

    def next(self) -> SymbolBatch:
        B, T = self._batch_size, self._window
        start = self._place * T
        targets = self._rows[:, start : start + T].astype(np.int64)
        before = self._rows[:, start - 1 : start] if start else np.full((B, 1), self._begin)
        inputs = np.concatenate([before.astype(np.int64), targets[:, :-1]], axis=1)
        fresh = (self._fresh[:, self._place // 8] >> (7 - self._place % 8) & 1).astype(bool)
        inputs[fresh, 0] = self._begin
        self._place += 1
        if (self._place + 1) * T > self._rows.shape[1]:
            self._start_epoch(self._epoch + 1, 0)
        return SymbolBatch(inputs, targets, None, fresh)

    def position(self) -> dict[str, int]:
        return {"epoch": self._epoch, "window": self._place}

    def seek(self, position: dict[str, int]) -> None:
        self._start_epoch(position["epoch"], position["window"])

    @property
    def batches_per_epoch(self) -> int:
        return int(self._rows.shape[1]) // self._window

    def _start_epoch(self, epoch: int, place: int) -> None:
        B, T = self._batch_size, self._window
        random = np.random.default_rng([self._seed, epoch])
        offset = int(random.integers(T)) if epoch else 0
        length = (len(self._ids) - offset) // B
        self._rows = self._ids[offset : offset + B * length].reshape(B, length)
        # Eight windows to a byte, row by row: the random numbers of a large corpus would fill memory all at once.
        self._fresh = np.stack([np.packbits(random.random(length // T) < self._restart) for _ in range(B)])
        self._fresh[:, 0] |= 128  # the first window of every row
        self._epoch, self._place = epoch, place


class DocumentStream(Stream):
    """Items of a corpus, each from a fresh state; a batch holds items of about equal length.

    An epoch visits every item once, in an order drawn anew. Items longer than a window are read in
    several batches, the state carried from one to the next, so memory stays bounded.

    Args:
        data: The items, each ending in the end id.
        begin: The id fed before an item's first symbol.
        batch_size: Items B in a batch.
        window: Most time steps T of a batch.
        seed: Seed of the order.

    Raises:
        CorpusError: There are no items.
    """

    def __init__(self, data: Encoded, begin: int, *, batch_size: int, window: int, seed: int) -> None:
        if not data.texts:
            raise CorpusError("there are no items to train on")
        self._data = data
        self._begin = begin
        self._batch_size, self._window = min(batch_size, data.texts), window
        self._seed = seed
        self._group = self._start = 0
        self._start_epoch(0)

    def next(self) -> SymbolBatch:
        rows = self._groups[self._group]
        lengths = self._data.lengths[rows]
        batch = cut_window(self._data, rows, self._begin, self._start, self._window)
        self._start += self._window
        if self._start >= lengths.max():
            self._group, self._start = self._group + 1, 0
        if self._group == len(self._groups):
            self._start_epoch(self._epoch + 1)
        return batch

    def position(self) -> dict[str, int]:
        return {"epoch": self._epoch, "group": self._group, "start": self._start}

    def seek(self, position: dict[str, int]) -> None:
        self._start_epoch(position["epoch"])
        self._group, self._start = position["group"], position["start"]

    @property
    def batches_per_epoch(self) -> int:
        longest = (int(self._data.lengths[rows].max()) for rows in self._groups)
        return sum(-(-length // self._window) for length in longest)

    def _start_epoch(self, epoch: int) -> None:
        random = np.random.default_rng([self._seed, epoch])
        order = random.permutation(self._data.texts)
        lengths = self._data.lengths
        groups: list[Array] = []
        for first in range(0, len(order), _POOL * self._batch_size):
            pool = order[first : first + _POOL * self._batch_size]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            groups += [pool[i : i + self._batch_size] for i in range(0, len(pool), self._batch_size)]
        # The state is carried by row, so every group has B rows: a short last one is filled from the first.
        self._groups = [np.resize(groups[i], self._batch_size) for i in random.permutation(len(groups))]
        self._epoch, self._group, self._start = epoch, 0, 0


def cut_window(data: Encoded, rows: Array, begin: int, start: int, window: int) -> SymbolBatch:
    """Make the batch of places ``start .. start + window`` of the given texts.

    Args:
        data: The texts.
        rows: Numbers of the texts, [B].
        begin: The id fed before a text's first symbol.
        start: First place within each text; 0 makes fresh rows.
        window: Largest number of places.

    Returns:
        A batch as wide as its longest row, padded with id 0 where a text has ended.
    """
    lengths = np.clip(data.lengths[rows] - start, 0, window)
    places = np.arange(lengths.max())
    inside = places < lengths[:, None]
    at = np.where(inside, data.offsets[rows][:, None] + start + places, 0)
    targets = np.where(inside, data.ids[at], 0).astype(np.int64)
    inputs = np.where(inside, data.ids[np.maximum(at - 1, 0)], 0).astype(np.int64)
    if start == 0:
        inputs[:, 0] = begin
    return SymbolBatch(inputs, targets, lengths.astype(np.int64), np.full(len(rows), start == 0))


def build_stream(
    data: Encoded, begin: int, *, items: bool, batch_size: int, window: int, seed: int, restart: float
) -> Stream:
    """Return the stream for running text or for items; arguments are those of the two streams."""
    if items:
        return DocumentStream(data, begin, batch_size=batch_size, window=window, seed=seed)
    return ContinuousStream(data, begin, batch_size=batch_size, window=window, seed=seed, restart=restart)


__all__ = ["ContinuousStream", "DocumentStream", "Stream", "build_stream", "cut_window"]
