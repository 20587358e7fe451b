"""Statistics of gates: how often each is shut or open, and over how many symbols a cell remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHUT, _OPEN = 0.1, 0.9


@dataclass(frozen=True)
class Saturation:
    """Gates over a text.

    Attributes:
        gates: Names of the gates, G of them.
        shut: Share of the time at which each is under 0.1, left-saturated, [G, L, H].
        wide: Share of the time at which each is over 0.9, right-saturated, [G, L, H].
        keeping: Name of the gate that says how much of a cell is kept; empty: the core has none.
        spans: Symbols until a cell has lost all but 1/e of what it held, on the mean over the text, [L, H]; empty
            without such a gate.
        symbols: Number of symbols.
        layers: Names of the layers.
    """

    gates: tuple[str, ...]
    shut: NDArray[np.float64]
    wide: NDArray[np.float64]
    keeping: str
    spans: NDArray[np.float64]
    symbols: int
    layers: tuple[str, ...]


def saturation(
    gates: Mapping[str, NDArray[Any]], keeping: str = "", *, starts: Sequence[int] = (0,), layers: Sequence[str] = ()
) -> Saturation:
    """Return the statistics of gates.

    Args:
        gates: Values from 0 to 1 of each gate at each symbol, [T, L, H], by name.
        keeping: Name of the gate by which a cell is multiplied from symbol to symbol, if there is one.
        starts: Number of the symbol with which each sequence begins.
        layers: Names of the layers; empty: their numbers.

    Source: saturated gates: Karpathy, Johnson and Fei-Fei 2015, arXiv:1506.02078, section 4.2.
    """
    values = list(gates.values())
    return Saturation(
        gates=tuple(gates),
        shut=np.stack([(own < _SHUT).mean(axis=0) for own in values]),
        wide=np.stack([(own > _OPEN).mean(axis=0) for own in values]),
        keeping=keeping,
        spans=_mean_span(gates[keeping], starts) if keeping else np.zeros((0, 0)),
        symbols=len(values[0]),
        layers=tuple(layers) or tuple(map(str, range(values[0].shape[1]))),
    )


def _mean_span(kept: NDArray[Any], starts: Sequence[int]) -> NDArray[np.float64]:
    """Return the mean span over several sequences, which start anew, [L, H]."""
    sequences = np.split(kept, list(starts)[1:])
    totals = np.stack([len(one) * remembered(one) for one in sequences])
    mean: NDArray[np.float64] = totals.sum(axis=0) / len(kept)
    return mean


def remembered(kept: NDArray[Any]) -> NDArray[np.float64]:
    """Return over how many symbols each cell remembers, on the mean, [L, H], of the shares that it keeps, [T, L, H].

    From a symbol on it is the number of steps until the product of the shares is under 1/e; where the text ends
    before, the steps to its end.
    """
    T = len(kept)
    logs = np.log(np.maximum(kept.reshape(T, -1).astype(np.float64), np.finfo(np.float64).tiny))
    sums = np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(logs, axis=0)])  # [T + 1, U]
    spans = np.zeros(sums.shape[1])
    steps = np.arange(T)
    for unit in range(len(spans)):
        falling = -np.minimum.accumulate(sums[:, unit])  # rises, so that it can be searched
        ends = np.searchsorted(falling, falling[:-1] + 1.0, side="left")
        spans[unit] = (np.minimum(ends, T) - steps).mean()
    return spans.reshape(kept.shape[1:])
