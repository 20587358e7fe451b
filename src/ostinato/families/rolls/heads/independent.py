"""Notes that are independent of each other, given the past."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.families.rolls.heads.base import ExactHead


class IndependentHead(ExactHead):
    """P(v | y) = product over notes of P(v_i | y), with P(v_i = 1 | y) = sigmoid(b_i + W_i y).

    Args:
        size: Width H of y.
        notes: Number of notes N.
    """

    def __init__(self, size: int, notes: int) -> None:
        super().__init__(notes)
        self.logits = nn.Linear(size, notes)

    def biases(self, y: Tensor) -> Tensor:
        logits: Tensor = self.logits(y)
        return logits

    def nats(self, y: Tensor, frames: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits(y), frames, reduction="none").sum(dim=-1)

    def sample_given(
        self, y: Tensor, uniform: Tensor, known: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        logits, given = self.logits(y) / temperature, known >= 0
        drawn = torch.where(given, known.float(), (uniform.flip(-1) < torch.sigmoid(logits)).float())
        logs = -F.binary_cross_entropy_with_logits(logits, drawn, reduction="none")
        return drawn, (logs * given).sum(dim=-1)

    def probabilities(self, y: Tensor, generator: torch.Generator) -> Tensor:
        return torch.sigmoid(self.logits(y))
