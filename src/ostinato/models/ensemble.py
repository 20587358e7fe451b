"""Several language models as one: the mean of their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.products import Product, plain
from ostinato.models.heads.softmax import SoftmaxHead
from ostinato.models.symbol_model import SymbolModel


class Ensemble(SymbolModel):
    """The mean of the probabilities of models that read the same symbols.

        P(s) = 1/K sum_k P_k(s)

    Args:
        members: The K models, of one vocabulary.

    Source: Hansen and Salamon 1990 (ensembles); averaging of recurrent language models: Zaremba et al. 2014,
    arXiv:1409.2329, table 1.
    """

    def __init__(self, members: Sequence[SymbolModel]) -> None:
        super().__init__()
        (self.symbols,) = {member.symbols for member in members}
        self.members = nn.ModuleList(members)
        self.head = SoftmaxHead(self.symbols, self.symbols, identity=True)  # outputs are log-probabilities already

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        return tuple(member.initial_state(batch_size) for member in self._members())

    def output(
        self, inputs: Tensor, state: tuple[Any, ...] | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, tuple[Any, ...]]:
        state = self.initial_state(len(inputs)) if state is None else state
        log_probs, after = [], []
        for member, own in zip(self._members(), state, strict=True):
            y, new = member.output(inputs, own, lengths=lengths)
            log_probs.append(member.head.log_probs(y))
            after.append(new)
        return _mean(log_probs), tuple(after)

    def step(
        self, symbols: Tensor, state: tuple[Any, ...], *, product: Product = plain
    ) -> tuple[Tensor, tuple[Any, ...]]:
        steps = [member.step(symbols, own, product=product) for member, own in zip(self._members(), state, strict=True)]
        return _mean([log_probs for log_probs, _ in steps]), tuple(after for _, after in steps)

    def _members(self) -> list[SymbolModel]:
        return list(self.members)  # type: ignore[arg-type]


def _mean(log_probs: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(log_probs)).logsumexp(dim=0) - math.log(len(log_probs))
