"""What training asks of a model, and nothing else; what a model can do besides is a capability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from ostinato.models.randomness import Randomness


@dataclass(frozen=True)
class Context:
    """The circumstances of one call of ``Task.loss``.

    Attributes:
        random: Where every random draw comes from; ``None``: nothing may be drawn.
        training: Whether this is a training step, with dropout and the like. An evaluation may draw too: a bound is
            estimated with noise.
        progress: How far the schedule is, from 0 to 1, for what changes on the way.
    """

    random: Randomness | None = None
    training: bool = False
    progress: float = 1.0


@dataclass(frozen=True)
class Loss:
    """Sums over the targets of each row, so that batches of different sizes add up.

    Attributes:
        rows: Summed loss of each row in nats, [B], to differentiate.
        count: How many targets there are in all rows.
        parts: Named parts of the loss, and what is made small besides it: of each row, [B], without a gradient.
    """

    rows: Tensor
    count: int
    parts: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        """Sum over all rows; a scalar tensor."""
        return self.rows.sum()


class Task(Protocol):
    """All that training asks of a model."""

    @property
    def module(self) -> nn.Module:
        """The parameters to train."""

    def initial_state(self, batch_size: int) -> Any:
        """The state of rows that start anew."""

    def loss(self, batch: Any, state: Any, context: Context) -> tuple[Loss, Any]:
        """Return the loss of a batch, of the family's own kind, and the state after it, not yet detached."""
