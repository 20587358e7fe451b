"""Rules about single symbols: biases, and when the end may come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.decode.rules.base import At, Memoryless
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LogitBias(Memoryless):
    """Add a number of nats to the logits of some symbols; ``-inf`` bans one.

    Attributes:
        biases: Pairs of id and nats added.

    Source: ``logit_bias`` of OpenAI's text completion interface (2020); without normalisation, so the
    odds of two symbols with the same bias stay.
    """

    biases: tuple[tuple[int, float], ...]
    name: ClassVar[str] = "bias"

    def __post_init__(self) -> None:
        if any(math.isnan(value) or value == math.inf for _, value in self.biases):
            raise ConfigError("a bias must be a number of nats, or -inf to ban a symbol")

    def may_exhaust(self, *, is_first: bool) -> bool:
        return True

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        import torch  # settings need none

        biased = logits.clone()
        ids = torch.tensor([id_ for id_, _ in self.biases])
        biased[:, ids] += torch.tensor([value for _, value in self.biases], dtype=logits.dtype)
        return biased, state


@dataclass(frozen=True)
class EndControl(Memoryless):
    """Say when the end symbol may come: not before ``least`` symbols, and more or less readily.

    Attributes:
        end: The id that ends an item.
        least: Fewest symbols of an item, the end not counted; ``None`` forbids the end altogether.
        bias: Nats added to the logit of the end.

    Source: minimum length as in OpenNMT (Klein et al. 2017, arXiv:1701.02810).
    """

    end: int
    least: int | None = 0
    bias: float = 0.0
    name: ClassVar[str] = "end"

    def may_exhaust(self, *, is_first: bool) -> bool:
        return True

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        changed = logits.clone()
        if self.least is None or at.step < self.least:
            changed[:, self.end] = -math.inf
        else:
            changed[:, self.end] += self.bias
        return changed, state
