"""Scoring: the log-probability of every symbol of texts of any lengths, in float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.cores.state import select_rows
from ostinato.data import Encoded, cut_window
from ostinato.decode.places import Places
from ostinato.models.symbol_model import SymbolModel

#: Items that are scored together, wherever they stand in a file: so shards give exactly what the whole gives.
ITEMS = 1024
_ROWS = 256  # texts scored side by side
_CHUNK = 2048  # symbols of one running text in one call of the kernel
_WINDOW = 1024  # symbols of each in one call of the kernel
_LOGITS = 2**25  # numbers in one call at most, 128 MiB, so that memory stays bounded


def rows_at_once(model: SymbolModel, longest: int) -> int:
    """Return the number of rows of ``longest`` symbols that can be scored side by side."""
    return max(1, min(_ROWS, _LOGITS // (longest * model.symbols)))


@torch.inference_mode()
def log_probs_of(model: SymbolModel, texts: Encoded) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield, for every text, its number and the natural log-probability of each of its symbols.

    Each text starts from a fresh state and the begin symbol; texts of similar length go together,
    so they come in order of length.
    """
    order = np.argsort(texts.lengths, kind="stable")
    first = 0
    while first < len(order):
        # The texts come in order of length, so the last of a group is its longest.
        some = order[first : first + _ROWS]
        longest = int(np.minimum(texts.lengths[some].max(), _WINDOW))
        rows = some[: rows_at_once(model, max(1, longest))]
        first += len(rows)
        state = model.initial_state(len(rows))
        log_probs: list[list[Any]] = [[] for _ in rows]
        for start in range(0, int(texts.lengths[rows].max(initial=0)), _WINDOW):
            batch = cut_window(texts, rows, model.symbols, start, _WINDOW)
            values, state = window_log_probs(model, batch.inputs, batch.targets, batch.lengths, state)
            for row, length in enumerate(batch.lengths if batch.lengths is not None else ()):
                log_probs[row].append(values[row, :length])
        for row, number in enumerate(rows):
            yield int(number), np.concatenate(log_probs[row]) if log_probs[row] else np.zeros(0, dtype=np.float32)


def running_log_probs(model: SymbolModel, chunks: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
    """Yield the log-probabilities of the symbols of one text that comes in chunks, carrying the state across them."""
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
def places_of(model: SymbolModel, ids: NDArray[Any], count: int) -> Places:
    """Return the predictions at every place of one text, read from a fresh state.

    Args:
        model: The model, in evaluation mode.
        ids: Symbols of the text, [T]; an item includes its end.
        count: Number N of the most probable symbols to return; at most V.
    """
    device = model.device
    state: Any = None
    chunks: list[tuple[NDArray[Any], ...]] = []
    at_once = max(1, min(_CHUNK, _LOGITS // model.symbols))
    before = model.symbols  # the begin symbol
    for start in range(0, len(ids), at_once):
        targets = np.asarray(ids[start : start + at_once], dtype=np.int64)
        inputs = torch.from_numpy(np.concatenate([[before], targets[:-1]])[None]).to(device)
        log_probs, state = model.log_probs(inputs, state)
        chunks.append(_look(log_probs[0], torch.from_numpy(targets).to(device), min(count, model.symbols)))
        before = targets[-1]
    return Places(*(np.concatenate(parts) for parts in zip(*chunks, strict=True)))


def _look(log_probs: Tensor, targets: Tensor, count: int) -> tuple[NDArray[Any], ...]:
    own = log_probs.gather(1, targets[:, None])
    ranks = (log_probs >= own).sum(dim=1)
    entropies = -(log_probs.exp() * log_probs.clamp(min=-1e9)).double().sum(dim=1)
    best, ids = log_probs.topk(count, dim=1)
    return tuple(tensor.cpu().numpy() for tensor in (own[:, 0], ranks, entropies, ids, best))


@torch.inference_mode()
def gap_log_probs(model: SymbolModel, before: Sequence[int], tails: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return log P(tail | before) of every tail, [N]; ``before`` is read once.

    Args:
        model: The model, in evaluation mode.
        before: Ids that precede every tail.
        tails: Ids of each tail; of any lengths, empty included.
    """
    device = model.device
    start = [model.symbols, *before]
    state = model.initial_state(1)
    for first in range(0, len(start) - 1, _CHUNK):
        part = torch.tensor([start[first : min(first + _CHUNK, len(start) - 1)]], device=device)
        _, state = model.output(part, state)
    order = sorted(range(len(tails)), key=lambda number: len(tails[number]))
    scores, first = np.zeros(len(tails)), 0
    while first < len(order):
        some = order[first : first + _ROWS]
        rows = some[: rows_at_once(model, max(1, min(len(tails[some[-1]]), _WINDOW)))]
        first += len(rows)
        own = select_rows(state, torch.zeros(len(rows), dtype=torch.int64, device=device))
        scores[rows] = _tail_log_probs(model, [tails[number] for number in rows], start[-1], own)
    return scores


def _tail_log_probs(model: SymbolModel, tails: Sequence[Sequence[int]], last: int, state: Any) -> NDArray[np.float64]:
    """Return the log-probability of each tail after a state [N, ...] and the symbol before it."""
    lengths = np.array([len(tail) for tail in tails])
    totals, before = np.zeros(len(tails)), np.full((len(tails), 1), last)
    for start in range(0, int(lengths.max()), _WINDOW):
        width = min(_WINDOW, int(lengths.max()) - start)
        targets = np.zeros((len(tails), width), dtype=np.int64)
        for row, tail in enumerate(tails):
            part = tail[start : start + width]
            targets[row, : len(part)] = part
        inputs = np.concatenate([before, targets[:, :-1]], axis=1)
        left = np.clip(lengths - start, 0, width)
        values, state = window_log_probs(model, inputs, targets, left, state)
        totals += (values * (np.arange(width) < left[:, None])).sum(axis=1, dtype=np.float64)
        before = targets[:, -1:]
    return totals


@torch.inference_mode()
def window_log_probs(
    model: SymbolModel, inputs: NDArray[Any], targets: NDArray[Any], lengths: NDArray[Any] | None, state: Any
) -> tuple[NDArray[np.float32], Any]:
    """Return the log-probabilities of targets [B, T], given inputs [B, T], and the final state."""
    device = model.device
    real = None if lengths is None else torch.from_numpy(lengths).to(device)
    y, state = model.output(torch.from_numpy(inputs).to(device), state, lengths=real)
    values = model.head.log_prob(y, torch.from_numpy(targets).to(device))
    return values.cpu().numpy(), state
