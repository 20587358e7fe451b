"""Validation during training: deterministic, in float32, on the same part of the held-out data on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.batch import Batch
from ostinato.data import Encoded, cut_window
from ostinato.data.pair_streams import SourceTargetRows
from ostinato.models.task import Context, Task
from ostinato.training.ranks import Alone, Ranks

_ROWS = 64
_LEAST = 128  # symbols of a block of running text
_WINDOW = 256
_ITEM_ROWS = 256
_PAIR_ROWS = 64
_LOGITS = 2**24  # numbers in one batch at most, so that memory stays bounded
_KEY = 0x56414C  # keeps these draws apart from all others of the same seed


@dataclass(frozen=True)
class Measured:
    """A mean loss.

    Attributes:
        nats: Mean loss in nats per symbol.
        standard_error: Standard error of that mean, in nats per symbol; ``None`` with fewer than two texts or blocks.
        parts: Means of the named parts of the loss.
    """

    nats: float
    standard_error: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


class BatchValidation:
    """Mean loss of a task over batches of the validation data that stay the same.

    Args:
        batches: The batches; where one starts fresh rows, the state is put back.
        ranks: The processes that share the rows; ``None``: this one alone.

    Attributes:
        symbols: Number of targets in them.
        sha256: Digest of them: losses of runs are comparable where it is the same.
    """

    def __init__(self, batches: Sequence[Batch], ranks: Ranks | None = None) -> None:
        self._batches, self._ranks = batches, Alone() if ranks is None else ranks
        self.symbols = sum(batch.count for batch in batches)
        self.sha256 = _digest(batches)

    def __call__(self, task: Task) -> Measured:
        """Return the mean loss per target."""
        return mean_loss(task, self._batches, self._ranks)


class Validation(BatchValidation):
    """Mean loss of a task over a part of the validation data, drawn once for a corpus and a seed.

    Running text is read in 64 blocks that are spread over the whole held-out part, side by side, each with its state
    carried: so all but the first few symbols of a block have their context. Items are drawn at random, and each is read
    from a fresh state.

    Args:
        data: The validation texts.
        begin: Id fed where a row starts.
        items: Whether the texts are items.
        limit: Largest number of symbols used.
        seed: Seed that chooses the blocks or items.
        ranks: The processes that share the rows; ``None``: this one alone.
    """

    def __init__(
        self, data: Encoded, begin: int, *, items: bool, limit: int, seed: int, ranks: Ranks | None = None
    ) -> None:
        batches = _item_batches(data, begin, limit, seed) if items else _text_batches(data, begin, limit, seed)
        super().__init__(batches, ranks)


class PairValidation(BatchValidation):
    """Mean loss of a task over pairs, teacher-forced: every symbol is predicted from the true ones before it.

    Args:
        pairs: The validation pairs.
        limit: Largest sum of the sizes of the pairs used.
        seed: Seed that chooses the pairs.
        ranks: The processes that share the rows; ``None``: this one alone.
    """

    def __init__(self, pairs: SourceTargetRows, *, limit: int, seed: int, ranks: Ranks | None = None) -> None:
        rows = pairs.by_length(drawn(pairs.sizes, limit, seed), _PAIR_ROWS)
        super().__init__([pairs.batch(some) for some in rows], ranks)


def mean_loss(task: Task, batches: Sequence[Batch], ranks: Ranks) -> Measured:
    """Return the mean loss over batches per symbol; the state is carried until a batch starts fresh rows.

    The standard error is that of a ratio of sums over texts, or over the blocks of a running text.
    """
    sums, parts, state = _Sums(), dict[str, float](), None
    task.module.eval()
    with torch.inference_mode():
        for batch in map(ranks.part, batches):
            if not batch.rows:  # fewer rows than ranks
                continue
            if batch.starts:
                sums.close()
                state = task.initial_state(batch.rows)
            loss, state = task.loss(batch, state, Context())
            sums.add(loss.rows.cpu().numpy(), batch.targets_of_rows)
            for name, values in loss.parts.items():
                parts[name] = parts.get(name, 0.0) + values.sum().item()
    task.module.train()
    sums.close()
    return replace(sums.measured(ranks), parts=_means(parts, sum(batch.count for batch in batches), ranks))


class _Sums:
    """Sums of losses and counts of texts, and of their products, which add up over processes."""

    def __init__(self) -> None:
        self._open: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._sums = np.zeros(6)  # of losses, counts, losses², losses × counts, counts², and texts

    def add(self, losses: NDArray[Any], counts: NDArray[np.int64]) -> None:
        """Add some windows, one of each open text, [B] each."""
        both = losses.astype(np.float64), counts.astype(np.float64)
        self._open = both if self._open is None else (self._open[0] + both[0], self._open[1] + both[1])

    def close(self) -> None:
        """End the open texts: windows added next are of other texts."""
        if self._open is not None:
            losses, counts = self._open
            products = losses @ losses, losses @ counts, counts @ counts
            self._sums += (losses.sum(), counts.sum(), *products, np.count_nonzero(counts))
            self._open = None

    def measured(self, ranks: Ranks) -> Measured:
        """Return mean and standard error over the texts of all processes."""
        loss, count, squares, crosses, counts, texts = ranks.total(*self._sums.tolist())
        mean = loss / count
        spread = squares - 2 * mean * crosses + mean**2 * counts
        if texts < 2 or not math.isfinite(spread):
            return Measured(mean)
        return Measured(mean, math.sqrt(max(0.0, spread) * texts / (texts - 1)) / count)


def _means(parts: Mapping[str, float], count: int, ranks: Ranks) -> dict[str, float]:
    """Return the mean of each part of the loss over the targets of all processes."""
    if not parts:
        return {}
    return {name: total / count for name, total in zip(parts, ranks.total(*parts.values()), strict=True)}


def _text_batches(data: Encoded, begin: int, limit: int, seed: int) -> list[Batch]:
    used = min(limit, len(data.ids))
    rows = max(1, min(_ROWS, used // _LEAST))
    length, share = used // rows, len(data.ids) // rows
    # A block somewhere in each of as many equal shares of the text.
    starts = np.arange(rows) * share + (_random(seed).random(rows) * (share - length + 1)).astype(np.int64)
    ids = np.concatenate([data.ids[start : start + length] for start in starts.tolist()])
    cut, window = Encoded(ids, np.arange(rows + 1, dtype=np.int64) * length), _window(rows, begin)
    return [cut_window(cut, np.arange(rows), begin, start, window) for start in range(0, length, window)]


def _item_batches(data: Encoded, begin: int, limit: int, seed: int) -> list[Batch]:
    chosen = drawn(data.lengths, limit, seed)
    order: NDArray[np.int64] = chosen[np.argsort(data.lengths[chosen], kind="stable")]
    batches: list[Batch] = []
    window = _window(_ITEM_ROWS, begin)
    for first in range(0, len(order), _ITEM_ROWS):
        rows = order[first : first + _ITEM_ROWS]
        longest = int(data.lengths[rows].max())
        batches += [cut_window(data, rows, begin, start, window) for start in range(0, longest, window)]
    return batches


def drawn(lengths: NDArray[np.int64], limit: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers of texts drawn at random, in rising order: at most ``limit`` symbols, or else one text."""
    order: NDArray[np.int64] = np.argsort(_random(seed).random(len(lengths)), kind="stable")
    few = int(np.searchsorted(np.cumsum(lengths[order]), limit, side="right"))
    return np.sort(order[: max(1, few)])


def _random(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, _KEY], dtype=np.uint64)))


def _digest(batches: Sequence[Batch]) -> str:
    digest = hashlib.sha256()
    for batch in batches:
        for array in batch.arrays().values():
            digest.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _window(rows: int, symbols: int) -> int:
    """Return the number of places of ``rows`` rows in one batch: fewer where the vocabulary is large."""
    return max(1, min(_WINDOW, _LOGITS // (rows * symbols)))
