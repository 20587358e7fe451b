"""The draw's randomness: one uniform number for each (seed, time step), the same wherever it is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
_ROUNDS = 20
_STEPS = 64  # made at once
_PARITY = np.uint64(0x1BD11BDAA9FC1A22)


class Uniform:
    """One uniform number in [0, 1), of 53 random bits, for each sample and time step; made many steps at a time.

    Args:
        seeds: The seed of each sample, [R]; taken modulo 2^64.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._key = np.array([seed % 2**64 for seed in seeds], dtype=np.uint64)
        self._first, self._block = 0, np.zeros((0, len(seeds)))

    def at(self, step: int) -> NDArray[np.float64]:
        """Return the numbers of all samples, [R], at one time step, counted from 0."""
        if not self._first <= step < self._first + len(self._block):
            steps = np.arange(step, step + _STEPS, dtype=np.uint64)
            key = np.tile(self._key, _STEPS)
            words, _ = threefry(np.repeat(steps, len(self._key)), np.zeros_like(key), key, np.zeros_like(key))
            self._first, self._block = step, _numbers(words).reshape(_STEPS, len(self._key))
        numbers: NDArray[np.float64] = self._block[step - self._first]
        return numbers


def gumbel(seeds: Sequence[int], step: int, rows: NDArray[np.int64], symbols: int) -> NDArray[np.float64]:
    """Return one standard Gumbel number for each row and symbol: the noise of searches that draw from a beam.

    Args:
        seeds: The seed of each row, [R]; rows of one beam share theirs.
        step: Time step, counted from 0; -1 for the root of a beam.
        rows: The number of each row in its beam, [R].
        symbols: Number of symbols V.

    Returns:
        Numbers [R, V]; those of different (seed, step, row, symbol) are independent, also of ``Uniform``'s.
    """
    key = np.repeat(np.array([seed % 2**64 for seed in seeds], dtype=np.uint64), symbols)
    place = (rows.astype(np.uint64)[:, None] * np.uint64(symbols) + np.arange(symbols, dtype=np.uint64)).ravel()
    counter = np.full(key.shape, step % 2**64, dtype=np.uint64)
    words, _ = threefry(counter, (place + np.uint64(1)).astype(np.uint64), key, np.zeros_like(key))
    # Half a step off 0, which has no logarithm.
    numbers = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return -np.log(-np.log(numbers)).reshape(len(rows), symbols)


def threefry(
    counter_0: NDArray[np.uint64], counter_1: NDArray[np.uint64], key_0: NDArray[np.uint64], key_1: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return two random words for each counter and key, by Threefry-2x64 with 20 rounds.

    Threefry needs only additions, rotations and exclusive-or of 64-bit words, so that NumPy, compiled code
    and any other language give the same bits.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; tests compare with the
    known answers of its authors' Random123 library.
    """
    keys = (key_0, key_1, _PARITY ^ key_0 ^ key_1)
    x, y = counter_0 + keys[0], counter_1 + keys[1]
    for number in range(_ROUNDS):
        x = x + y
        bits = np.uint64(_ROTATIONS[number % 8])
        y = ((y << bits) | (y >> (np.uint64(64) - bits))) ^ x
        if number % 4 == 3:
            group = number // 4 + 1
            x = x + keys[group % 3]
            y = y + keys[(group + 1) % 3] + np.uint64(group)
    return x, y


def _numbers(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers
