"""The one source of randomness in training: draws that depend on (seed, step, row, site) and nothing else."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BLOCK = 8  # float32 numbers that Philox-4x64 gives for one value of its counter
_PARTS = 4  # of 16 bits, in a word


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
        numbers = math.prod(shape)
        blocks = -(-numbers // _BLOCK)  # whole blocks for each row, so a row's place is known without those before it
        drawn = self._draw(site, self.first_row * blocks, count * blocks * _BLOCK)
        return torch.from_numpy(drawn.reshape(count, -1)[:, :numbers].reshape(count, *shape))

    def normals(self, site: str, count: int, *shape: int) -> Tensor:
        """Draw standard normal numbers for ``count`` rows: [count, *shape] float32.

        Source: Box and Muller 1958, "A note on the generation of random normal deviates".
        """
        numbers = math.prod(shape)
        half = -(-numbers // 2)
        uniform = self.rows(f"{site}, normal", count, 2 * half).double()  # [count, 2 half]
        radius = (-2 * torch.log1p(-uniform[:, :half])).sqrt()  # of 1 - u, which is never 0
        angle = 2 * math.pi * uniform[:, half:]
        both = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)  # [count, 2 half]
        return both[:, :numbers].float().reshape(count, *shape)

    def kept(self, site: str, *shape: int, p: float) -> Tensor:
        """Draw a mask, True where kept, for something that belongs to no row, such as a weight: [*shape] bool.

        Each is False with probability p, rounded to 2^-16: 16 bits are drawn five times as fast as a uniform number.
        """
        numbers = math.prod(shape)
        words = self._source(f"{site}, whole", 0).random_raw(-(-numbers // _PARTS))
        parts = words.astype("<u8", copy=False).view("<u2")[:numbers]
        return torch.from_numpy(parts >= round(p * 2**16)).reshape(shape)

    def _draw(self, site: str, first_block: int, count: int) -> NDArray[np.float32]:
        return np.random.Generator(self._source(site, first_block)).random(count, dtype=np.float32)

    def _source(self, site: str, first_block: int) -> np.random.Philox:
        key = np.array([self.seed % 2**64, zlib.crc32(site.encode())], dtype=np.uint64)
        counter = np.array([first_block, 0, 0, self.step], dtype=np.uint64)  # the low word counts blocks
        return np.random.Philox(key=key, counter=counter)


def factors(uniform: Tensor, p: float) -> Tensor:
    """Return dropout factors for uniform numbers: 0 with probability p, else 1/(1-p)."""
    return (uniform >= p).float() / (1 - p)
