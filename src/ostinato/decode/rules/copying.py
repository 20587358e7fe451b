"""The rule against copying: no long run of the training text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ostinato.config import at_least
from ostinato.data.ngrams import NgramIndex, mixed, weights
from ostinato.decode.rules.base import At

if TYPE_CHECKING:
    from torch import Tensor


class MaxCopy:
    """Forbid every symbol that would make the last N + 1 symbols a sequence of the training text.

    So no run of more than N symbols is copied. Copies in the prompt count: a run that began there does not go on.
    The end symbol is never forbidden.

    Args:
        index: All windows of N + 1 symbols of the training text.
        symbols: Number of symbols V.
        end: The id that ends an item, or ``None``.
        heads: All windows of N symbols, for large vocabularies: rows that end in none of them are not looked up.

    Source: the check is that of Bloom-filter memorisation guards (Ippolito et al. 2023, arXiv:2210.17546), with a
    sorted index in place of the filter.
    """

    name: ClassVar[str] = "max-copy"

    def __init__(self, index: NgramIndex, symbols: int, end: int | None, heads: NgramIndex | None = None) -> None:
        at_least("max-copy", index.n - 1, 1)
        self._index, self._end, self._heads = index, end, heads
        self._weights = weights(index.n)
        self._last = mixed(np.arange(symbols)) * self._weights[-1]

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        import torch  # settings need none

        width = self._index.n - 1
        rows = [[-1] * (width - len(prompt[-width:])) + list(prompt[-width:]) for prompt in prompts]
        return torch.tensor(rows, dtype=torch.int64)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        import torch

        last = state.numpy()
        full = last[:, 0] >= 0
        if not full.any():
            return logits, state
        heads = (mixed(last) * self._weights[:-1]).sum(axis=1, dtype=np.uint64)
        if self._heads is not None:
            full &= self._heads.contains(heads)
        copied = np.zeros((len(last), len(self._last)), dtype=bool)
        copied[full] = self._index.contains(heads[full, None] + self._last)
        if self._end is not None:
            copied[:, self._end] = False
        return logits.masked_fill(torch.from_numpy(copied), -math.inf), state

    def advance(self, symbols: Tensor, state: Tensor) -> Tensor:
        import torch

        return torch.cat([state[:, 1:], symbols[:, None]], dim=1)

    def may_exhaust(self, *, is_first: bool) -> bool:
        return True

    def complete(self, state: Tensor, at: At) -> Tensor | None:
        return None
