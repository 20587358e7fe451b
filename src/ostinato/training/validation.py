"""Validation during training: fast, deterministic, in float32, on the same symbols every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ostinato.batch import Batch
from ostinato.data import Encoded, cut_window
from ostinato.data.pair_streams import PairRows
from ostinato.models.task import Context, Task
from ostinato.training.ranks import Alone, Ranks

_ROWS = 32
_WINDOW = 256
_ITEM_ROWS = 256
_PAIR_ROWS = 64
_LOGITS = 2**24  # numbers in one batch at most, so that memory stays bounded


class Validation:
    """Mean loss of a task over validation data.

    Running text is read in 32 rows side by side, each with its state carried: so all but the first
    few symbols of a row have their context. Items are read each from a fresh state.

    Args:
        data: The validation texts.
        begin: The id fed where a row starts.
        items: Whether the texts are items.
        limit: Most symbols used; the first ones are taken.
        ranks: The processes that share the rows; ``None``: this one alone.
    """

    def __init__(self, data: Encoded, begin: int, *, items: bool, limit: int, ranks: Ranks | None = None) -> None:
        self._ranks = Alone() if ranks is None else ranks
        self._batches = _item_batches(data, begin, limit) if items else _text_batches(data, begin, limit)

    def __call__(self, task: Task) -> float:
        """Return the mean loss in nats per symbol."""
        return mean_loss(task, self._batches, self._ranks)


class PairValidation:
    """Mean loss of a task over pairs, teacher-forced: every symbol is predicted from the true ones before it.

    Args:
        pairs: The validation pairs.
        limit: Most target symbols used; the first pairs are taken.
        ranks: The processes that share the rows; ``None``: this one alone.
    """

    def __init__(self, pairs: PairRows, *, limit: int, ranks: Ranks | None = None) -> None:
        self._ranks = Alone() if ranks is None else ranks
        few = int(np.searchsorted(np.cumsum(pairs.target_lengths), limit, side="right"))
        rows = pairs.by_length(np.arange(max(1, few)), _PAIR_ROWS)
        self._batches: list[Batch] = [pairs.batch(some) for some in rows]

    def __call__(self, task: Task) -> float:
        """Return the mean loss in nats per target symbol."""
        return mean_loss(task, self._batches, self._ranks)


def mean_loss(task: Task, batches: Sequence[Batch], ranks: Ranks) -> float:
    """Return the mean loss over batches in nats per symbol; the state is carried until rows are fresh."""
    total, count, state = 0.0, 0, None
    task.module.eval()
    with torch.inference_mode():
        for batch in map(ranks.part, batches):
            if not len(batch.fresh):  # fewer rows than ranks
                continue
            if batch.fresh.any():
                state = task.initial_state(len(batch.fresh))
            loss, state = task.loss(batch, state, Context())
            total += loss.total.item()
            count += loss.count
    task.module.train()
    total, every = ranks.total(total, count)
    return total / every


def _text_batches(data: Encoded, begin: int, limit: int) -> list[Batch]:
    ids = data.ids[:limit]
    rows = max(1, min(_ROWS, len(ids) // _WINDOW))
    length = len(ids) // rows
    offsets = np.arange(rows + 1, dtype=np.int64) * length
    cut, window = Encoded(ids[: rows * length], offsets), _window(rows, begin)
    return [cut_window(cut, np.arange(rows), begin, start, window) for start in range(0, length, window)]


def _item_batches(data: Encoded, begin: int, limit: int) -> list[Batch]:
    few = int(np.searchsorted(data.offsets[1:], limit, side="right"))
    order: np.ndarray[Any, Any] = np.argsort(data.lengths[: max(1, few)], kind="stable")
    batches, window = [], _window(_ITEM_ROWS, begin)
    for first in range(0, len(order), _ITEM_ROWS):
        rows = order[first : first + _ITEM_ROWS]
        longest = int(data.lengths[rows].max())
        batches += [cut_window(data, rows, begin, start, window) for start in range(0, longest, window)]
    return batches


def _window(rows: int, symbols: int) -> int:
    """How many places of so many rows go together: fewer where the vocabulary is large."""
    return max(1, min(_WINDOW, _LOGITS // (rows * symbols)))
