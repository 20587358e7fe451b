"""The interface of symbol models that generating, scoring and measuring use."""

from __future__ import annotations

import abc
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.products import Product, plain
from ostinato.models.heads.softmax import SoftmaxHead


class SymbolModel(nn.Module, abc.ABC):
    """A model of P(next symbol | all symbols before).

    Attributes:
        symbols: Number V of symbols that can be predicted; id V is the begin symbol, an input only.
        head: The head, which makes a distribution of the outputs.
    """

    symbols: int
    head: SoftmaxHead

    @abc.abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """Return the state of rows that start anew."""

    @abc.abstractmethod
    def output(self, inputs: Tensor, state: Any = None, *, lengths: Tensor | None = None) -> tuple[Tensor, Any]:
        """Return the outputs that the head reads, [B, T, …], and the state after, for ids [B, T].

        ``lengths``: Number of real ids in each row, [B]; ``None``: all are real.
        """

    @abc.abstractmethod
    def step(self, symbols: Tensor, state: Any, *, product: Product = plain) -> tuple[Tensor, Any]:
        """Return the log-probability of every next symbol [B, V] and the state after one symbol per row [B]."""

    def log_probs(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the log-probability of every next symbol [B, T, V] and the state after, for ids [B, T]."""
        y, state = self.output(inputs, state)
        return self.head.log_probs(y), state

    @property
    def device(self) -> torch.device:
        """Device of its weights."""
        return next(self.parameters()).device
