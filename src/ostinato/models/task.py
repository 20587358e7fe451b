"""What training asks of a model, and nothing else; what a model can do besides is a capability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from ostinato.batch import Batch
from ostinato.models.randomness import Randomness


@dataclass(frozen=True)
class Context:
    """The circumstances of one call of ``Task.loss``.

    Attributes:
        random: Where every random draw comes from; ``None`` in evaluation, where nothing is random.
    """

    random: Randomness | None = None

    @property
    def training(self) -> bool:
        """Whether dropout and the like are on."""
        return self.random is not None


@dataclass(frozen=True)
class Loss:
    """Sums over the targets of each row, so that batches of different sizes add up.

    Attributes:
        rows: Summed loss of each row in nats, [B], to differentiate.
        count: How many targets there are in all rows.
    """

    rows: Tensor
    count: int

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

    def loss(self, batch: Batch, state: Any, context: Context) -> tuple[Loss, Any]:
        """Return the loss of a batch and the state after it, not yet detached."""
