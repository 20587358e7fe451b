"""What generating, scoring and measuring need of a model of symbols, whatever it is made of."""

from __future__ import annotations

import abc
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.products import Product, plain
from ostinato.models.heads import SoftmaxHead


class SymbolModel(nn.Module, abc.ABC):
    """P(next symbol | all symbols before).

    Attributes:
        symbols: How many symbols V can be predicted; id V is the begin symbol, an input only.
        head: From outputs to a distribution.
    """

    symbols: int
    head: SoftmaxHead

    @abc.abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """Return the state of rows that start anew."""

    @abc.abstractmethod
    def output(self, inputs: Tensor, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        """Return what the head takes, [B, T, …], and the state after, for ids [B, T], of which so many are real."""

    @abc.abstractmethod
    def step(self, symbols: Tensor, state: Any, *, product: Product = plain) -> tuple[Tensor, Any]:
        """Return the log-probability of every next symbol [B, V] and the state after one symbol per row [B]."""

    def log_probs(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the log-probability of every next symbol [B, T, V] and the state after, for ids [B, T]."""
        y, state = self.output(inputs, state)
        return self.head.log_probs(y), state

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device
