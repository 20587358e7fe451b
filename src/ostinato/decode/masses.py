"""Probability mass that a rule keeps along every hypothesis, computed many steps at a time."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor

from ostinato.decode.search import SearchStep

_STEPS = 128  # worked out at once: several small sums cost much more than one large one
_NUMBERS = 2**22  # kept waiting at most


class KeptMasses:
    """Log of the probability mass that one rule kept, summed over the symbols of every row.

    Args:
        rule: Number of the rule in the pipeline.
        rows: Number of rows with which the search begins.
    """

    def __init__(self, rule: int, rows: int) -> None:
        self._rule = rule
        self._kept = [0.0] * rows
        # Each row's place in the steps that wait; ``None``: its own place in all of them.
        self._trails: list[list[int]] | None = None
        self._waiting: list[tuple[Tensor, ...]] = []  # what the rule was given, where that matters, and what it left
        self._numbers = 0

    def ended(self, taken: SearchStep) -> list[float]:
        """Return the sum of each hypothesis that ends at this step; to be called before ``take``."""
        ended = taken.choice.ended
        if ended is None:
            return []
        self._settle()
        rows, symbols = ended.parents.tolist(), ended.symbols.tolist()
        # What ended without a symbol has asked nothing of the rule this time.
        asked = any(symbol >= 0 for symbol in symbols)
        now = self._logs([self._step(taken)]) if asked else []
        return [self._kept[row] + (now[row] if symbol >= 0 else 0.0) for row, symbol in zip(rows, symbols, strict=True)]

    def take(self, taken: SearchStep) -> None:
        """Follow one time step."""
        parents = taken.choice.parents
        if len(taken.logits) == 1:  # the search is over
            return
        all_is_kept = taken.logits[self._rule] is taken.logits[self._rule + 1]
        if parents is not None or self._trails is not None:
            trails = self._all_trails(len(self._waiting))
            rows = range(len(trails)) if parents is None else parents.tolist()
            self._trails = [[*trails[row]] if all_is_kept else [*trails[row], row] for row in rows]
            self._kept = [self._kept[row] for row in rows]
        if all_is_kept:
            return
        step = self._step(taken)
        self._waiting.append(step)
        self._numbers += step[-1].numel()
        if len(self._waiting) >= _STEPS or self._numbers > _NUMBERS:
            self._settle()

    def _step(self, taken: SearchStep) -> tuple[Tensor, ...]:
        # What the first rule is given sums to 1.
        return taken.logits[self._rule : self._rule + 2] if self._rule else (taken.logits[1],)

    def _settle(self) -> None:
        """Compute the kept masses of all queued steps."""
        if not self._waiting:
            return
        masses = self._logs(self._waiting)
        firsts = [0, *accumulate(len(step[-1]) for step in self._waiting)]
        for row, trail in enumerate(self._all_trails(len(self._waiting))):
            self._kept[row] += sum(masses[first + place] for first, place in zip(firsts, trail, strict=False))
        self._trails = None
        self._waiting, self._numbers = [], 0

    def _all_trails(self, steps: int) -> list[list[int]]:
        return [[row] * steps for row in range(len(self._kept))] if self._trails is None else self._trails

    def _logs(self, steps: list[tuple[Tensor, ...]]) -> list[float]:
        """Return the log of the kept share of the mass, for every row of every step."""
        masses = torch.cat([step[-1] for step in steps]).logsumexp(dim=-1)
        if self._rule:
            masses = masses - torch.cat([step[0] for step in steps]).logsumexp(dim=-1)
        log_shares: list[float] = masses.clamp(max=0.0).tolist()  # a rounded total may be a little above 1
        return log_shares
