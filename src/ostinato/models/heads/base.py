"""The interface of output heads."""

from __future__ import annotations

import abc
from typing import ClassVar

from torch import Tensor, nn

from ostinato.units import Bound


class Head(nn.Module, abc.ABC):
    """A distribution over targets, given a core's output.

    Attributes:
        bound: Whether ``log_prob`` is the log-probability, a lower bound of it, or an estimate; scores and evaluations
            say so.
    """

    bound: ClassVar[Bound] = "exact"

    @abc.abstractmethod
    def log_prob(self, y: Tensor, target: Tensor) -> Tensor:
        """Return the natural log-probability of targets, [...] float32, for a core's output [..., H]."""

    @abc.abstractmethod
    def sample(self, y: Tensor, noise: Tensor) -> Tensor:
        """Draw a target for each row of a core's output [B, H], by uniform numbers in [0, 1) for each row."""
