"""Predictions at every place of a sequence; plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Places:
    """A model's predictions at every place of a text, [T] each.

    Attributes:
        log_probs: Natural log-probability of the symbol at the place.
        ranks: Number of symbols at least as probable, the symbol itself included: 1 is the most probable.
        entropies: Entropy of the predicted distribution, in nats.
        best: Ids of the most probable symbols, best first, [T, N].
        best_log_probs: Their natural log-probabilities, [T, N].
    """

    log_probs: NDArray[np.floating[Any]]
    ranks: NDArray[np.int64]
    entropies: NDArray[np.float64]
    best: NDArray[np.int64]
    best_log_probs: NDArray[np.floating[Any]]
