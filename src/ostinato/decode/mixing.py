"""Mixing several distributions of the next symbol, with weights that are learned online. No PyTorch here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Product: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]

_FIRST_TRUST = 0.6  # in the first opinion, the network's; the others share the rest
_RATE = 0.002
_FLATNESS = 16.0
_LEAST = 0.01  # of the cache's probability goes to all symbols alike


class Mixture:
    """A mixture of distributions in the logit domain, its weights learned online.

        P(s) = exp(sum_e w_e log P_e(s)) / Z           w_e += rate * d log P(x) / d w_e, after each symbol x

    Args:
        experts: Number of distributions E.
        rate: Learning rate of the weights.

    Attributes:
        weights: Weight of each distribution, [E].

    Source: logistic mixing: Mahoney 2005, "Adaptive weighing of context models for lossless data compression"; over
    more than two symbols: Mattern 2013, arXiv:1301.2926.
    """

    def __init__(self, experts: int, *, rate: float = _RATE) -> None:
        others = experts - 1
        self.weights = np.array([_FIRST_TRUST if others else 1.0] + [(1 - _FIRST_TRUST) / max(1, others)] * others)
        self._rate = rate

    def read(self, log_probs: NDArray[Any], ids: NDArray[Any]) -> NDArray[np.float64]:
        """Return the log-probability of each symbol that came, [N], and adapt the weights after each.

        Args:
            log_probs: Natural log-probability of every symbol at each place by each expert, [E, N, V], all finite.
            ids: Symbols that came, [N].
        """
        mixed_log_probs = np.empty(len(ids))
        for place, symbol in enumerate(ids.tolist()):
            opinions = log_probs[:, place]
            mixed = self.weights @ opinions
            highest = mixed.max()
            weights = np.exp(mixed - highest)
            total = weights.sum()
            mixed_log_probs[place] = mixed[symbol] - highest - math.log(total)
            self.weights += self._rate * (opinions[:, symbol] - opinions @ weights / total)
        return mixed_log_probs


class NeuralCache:
    """A neural cache, which predicts the symbols that came after similar outputs.

        P(s | y_t) = sum over the last N places i < t where s came of exp(theta y_t . y_i / m_t), made to add up to 1

    where m_t is the mean of y_i . y_i so far, so that one theta serves networks of all widths. A hundredth of the
    probability is shared equally by all symbols, as symbols that never came are possible too.

    Args:
        symbols: Number of symbols V.
        size: Number of places N that are remembered.
        flatness: theta.
        product: Product of two matrices: PyTorch's where PyTorch runs the network, as threads of two libraries wait
            busily on each other's cores.

    Source: Grave, Joulin and Usunier 2017, arXiv:1612.04426, eq. 3-4.
    """

    def __init__(
        self, symbols: int, *, size: int = 2000, flatness: float = _FLATNESS, product: Product = np.matmul
    ) -> None:
        self._symbols, self._size, self._flatness, self._product = symbols, size, flatness, product
        self._outputs: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._read, self._squares = 0, 0.0  # places so far, and the sum of y . y over them

    def log_probs(self, outputs: NDArray[np.float32], ids: NDArray[Any]) -> NDArray[np.float64]:
        """Return the log-probability of every symbol at each place, [n, V], and remember the places.

        Args:
            outputs: Output of the network's last layer at each place, [n, H].
            ids: Symbols that came there, [n].
        """
        kept, count = len(self._ids), len(ids)
        known = outputs if not kept else np.concatenate([self._outputs, outputs])
        came = np.concatenate([self._ids, ids.astype(np.int64)])
        age = kept + np.arange(count)[:, None] - np.arange(len(came))  # of each remembered place, seen from each place
        squares = self._squares + np.cumsum(np.square(outputs, dtype=np.float64).sum(axis=1))
        means = squares / np.arange(self._read + 1, self._read + count + 1)
        scale = (self._flatness / np.maximum(means, 1e-12)).astype(np.float32)
        likeness = np.where((age > 0) & (age <= self._size), scale[:, None] * self._product(outputs, known.T), -np.inf)
        highest = likeness.max(axis=1, initial=-1e30, keepdims=True)
        shares = np.exp(likeness - highest, dtype=np.float64)
        probs = np.zeros((count, self._symbols))
        for place in range(count):
            probs[place] = np.bincount(came, weights=shares[place], minlength=self._symbols)
        total = probs.sum(axis=1, keepdims=True)
        even = np.full_like(probs, 1 / self._symbols)
        probs = np.where(total > 0, (1 - _LEAST) * probs / np.where(total > 0, total, 1) + _LEAST * even, even)
        self._outputs, self._ids = known[-self._size :], came[-self._size :]
        self._read, self._squares = self._read + count, float(squares[-1]) if count else self._squares
        return np.log(probs)
