"""The interface of models to training, and nothing else; all other abilities of a model are capabilities."""

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
        random: Source of every random draw; ``None``: nothing may be drawn.
        training: Whether this is a training step, with dropout and the like. An evaluation may draw too: a bound is
            estimated with noise.
        progress: Progress of the schedule, from 0 to 1, for what changes during training.
    """

    random: Randomness | None = None
    training: bool = False
    progress: float = 1.0


@dataclass(frozen=True)
class Loss:
    """Sums over the targets of each row, so that batches of different sizes add up.

    Attributes:
        rows: Summed loss of each row in nats, [B], to differentiate.
        count: Number of targets in all rows.
        parts: Named parts of the loss, summed like ``rows``, [B], without a gradient.
    """

    rows: Tensor
    count: int
    parts: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        """Sum over all rows; a scalar tensor."""
        return self.rows.sum()


class Task(Protocol):
    """The interface of a model to training."""

    @property
    def module(self) -> nn.Module:
        """The parameters to train."""

    def initial_state(self, batch_size: int) -> Any:
        """Return the state of rows that start anew."""

    def loss(self, batch: Any, state: Any, context: Context) -> tuple[Loss, Any]:
        """Return the loss of a batch, of the family's own kind, and the state after it, not yet detached."""
