"""Length normalisation, which makes hypotheses of different lengths comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Lengths:
    """Divide a log-probability by a function of the number of symbols n, the end included.

        power:  n^a                        gnmt:  ((5 + n) / 6)^a

    With a = 0 nothing is divided, which favours short hypotheses; with ``power`` and a = 1 the mean
    log-probability of a symbol counts. For both formulas ``bound`` limits the value that
    continuations can reach, so a search can stop early without missing the best one.

    Attributes:
        power: The exponent a, at least 0.
        formula: One of the two formulas.

    Source: power as in fairseq and Jean et al. 2015; Wu et al. 2016, arXiv:1609.08144, sec. 7 (GNMT, b = 5).
    """

    power: float = 0.0
    formula: Literal["power", "gnmt"] = "power"

    def __post_init__(self) -> None:
        if not 0 <= self.power < 100:
            raise ConfigError(f"the power of length normalisation must be at least 0 and under 100, got {self.power:g}")

    def normalised(self, log_probs: Tensor, count: int) -> Tensor:
        """Return log-probabilities [...] of hypotheses of ``count`` symbols, normalised."""
        return log_probs / self._divisor(count) if self.power else log_probs

    def bound(self, log_probs: Tensor, count: int, limit: int) -> Tensor:
        """Return the best possible value of hypotheses of ``count`` symbols that end with at most ``limit``.

        More symbols never raise a log-probability, and for a negative one the largest divisor is best.
        """
        if not self.power:
            return log_probs
        return torch.where(log_probs < 0, log_probs / self._divisor(limit), log_probs / self._divisor(max(1, count)))

    def _divisor(self, count: int) -> float:
        return float((max(1, count) if self.formula == "power" else (5 + count) / 6) ** self.power)
