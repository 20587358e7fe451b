"""Scoring: the log-probability of every symbol of given texts, in float32, whatever their lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data import Encoded, cut_window
from ostinato.models.language_model import LanguageModel

#: Items that are scored together, wherever they stand in a file: so shards give exactly what the whole gives.
ITEMS = 1024
_ROWS = 256  # texts scored side by side
_CHUNK = 2048  # symbols of one running text in one call of the kernel
_WINDOW = 1024  # symbols of each in one call of the kernel
_LOGITS = 2**25  # numbers in one call at most, 128 MiB, so that memory stays bounded


def rows_at_once(model: LanguageModel, longest: int) -> int:
    """Return how many rows of so many symbols can be scored side by side."""
    return max(1, min(_ROWS, _LOGITS // (longest * model.symbols)))


@torch.inference_mode()
def log_probs_of(model: LanguageModel, texts: Encoded) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield, for every text, its number and the natural log-probability of each of its symbols.

    Each text starts from a fresh state and the begin symbol; texts of about one length go together,
    so they come in the order of their lengths.
    """
    order = np.argsort(texts.lengths, kind="stable")
    first = 0
    while first < len(order):
        # The texts come in order of length, so the last of a group is its longest.
        some = order[first : first + _ROWS]
        longest = int(np.minimum(texts.lengths[some].max(), _WINDOW))
        rows = some[: rows_at_once(model, max(1, longest))]
        first += len(rows)
        state = model.core.initial_state(len(rows))
        found: list[list[Any]] = [[] for _ in rows]
        for start in range(0, int(texts.lengths[rows].max(initial=0)), _WINDOW):
            batch = cut_window(texts, rows, model.symbols, start, _WINDOW)
            values, state = window_log_probs(model, batch.inputs, batch.targets, batch.lengths, state)
            for row, length in enumerate(batch.lengths if batch.lengths is not None else ()):
                found[row].append(values[row, :length])
        for row, number in enumerate(rows):
            yield int(number), np.concatenate(found[row]) if found[row] else np.zeros(0, dtype=np.float32)


def running_log_probs(model: LanguageModel, chunks: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
    """Yield the log-probabilities of the symbols of one text that comes in chunks, the state carried all the way."""
    state: Any = None
    before = model.symbols  # the begin symbol
    for chunk in chunks:
        for start in range(0, len(chunk), _CHUNK):
            targets = np.asarray(chunk[start : start + _CHUNK], dtype=np.int64)
            inputs = np.concatenate([[before], targets[:-1]])
            values, state = window_log_probs(model, inputs[None], targets[None], None, state)
            before = targets[-1]
            yield values[0]


@torch.inference_mode()
def window_log_probs(
    model: LanguageModel, inputs: NDArray[Any], targets: NDArray[Any], lengths: NDArray[Any] | None, state: Any
) -> tuple[NDArray[np.float32], Any]:
    """Return the log-probabilities of targets [B, T], given inputs [B, T], and the state after."""
    device = model.embedding.weight.device
    real = None if lengths is None else torch.from_numpy(lengths).to(device)
    y, state = model.output(torch.from_numpy(inputs).to(device), state, lengths=real)
    values = model.head.log_prob(y, torch.from_numpy(targets).to(device))
    return values.cpu().numpy(), state
