"""The one source of randomness in training: draws that depend on (seed, step, row, site) and nothing else."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Randomness:
    """Counter-based uniform draws for one training step.

    A row's draws do not depend on the batch around it, on the rank that computes it, or on what was
    drawn before: so a resumed run and a run on two machines see the same masks.

    Attributes:
        seed: The run's seed.
        step: The training step.
        first_row: Global number of the batch's first row.

    Source: Philox, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """

    seed: int
    step: int
    first_row: int = 0

    def rows(self, site: str, count: int, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1) for ``count`` rows: [count, *shape] float32."""
        key = self._key(site)
        return torch.from_numpy(np.stack(list(self._rows(key, range(count), shape))))

    def whole(self, site: str, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1) that belong to no row, such as for a weight: [*shape] float32."""
        return torch.from_numpy(next(self._rows(self._key(site), [-1], shape)))

    def _key(self, site: str) -> tuple[int, int]:
        return self.seed % 2**64, zlib.crc32(site.encode())

    def _rows(self, key: tuple[int, int], rows: Iterable[int], shape: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
        for row in rows:
            number = (self.first_row + row) % 2**64 if row >= 0 else 2**64 - 1
            counter = np.array([0, 0, number, self.step], dtype=np.uint64)  # the low word counts the draws
            bits = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=counter)
            yield np.random.Generator(bits).random(shape, dtype=np.float32)
