"""Scoring: the log-probability of every symbol of given texts, in float32, whatever their lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data import Encoded, cut_window
from ostinato.models.language_model import LanguageModel

_ROWS = 256  # texts scored side by side
_WINDOW = 1024  # symbols of each in one call of the kernel
_PLACES = 2**17  # symbols in one call at most, so that memory stays bounded


@torch.inference_mode()
def log_probs_of(model: LanguageModel, texts: Encoded) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield, for every text, its number and the natural log-probability of each of its symbols.

    Each text starts from a fresh state and the begin symbol; texts of about one length go together,
    so they come in the order of their lengths.
    """
    order = np.argsort(texts.lengths, kind="stable")
    rows_at_once = max(1, min(_ROWS, _PLACES // _WINDOW))
    for first in range(0, len(order), rows_at_once):
        rows = order[first : first + rows_at_once]
        state = model.core.initial_state(len(rows))
        found: list[list[Any]] = [[] for _ in rows]
        for start in range(0, int(texts.lengths[rows].max(initial=0)), _WINDOW):
            batch = cut_window(texts, rows, model.symbols, start, _WINDOW)
            values, state = window_log_probs(model, batch.inputs, batch.targets, batch.lengths, state)
            for row, length in enumerate(batch.lengths if batch.lengths is not None else ()):
                found[row].append(values[row, :length])
        for row, number in enumerate(rows):
            yield int(number), np.concatenate(found[row]) if found[row] else np.zeros(0, dtype=np.float32)


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


def nats_of(values: Sequence[NDArray[np.float32]]) -> float:
    """Return the summed negative log-probability, in nats, added up in float64."""
    return -float(sum(piece.sum(dtype=np.float64) for piece in values))
