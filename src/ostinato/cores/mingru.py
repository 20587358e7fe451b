"""The minimal gated recurrent unit: gates that do not look at the state, so all of time runs at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, last_states, masked, uniform_
from ostinato.cores.linear import linear_recurrence
from ostinato.cores.products import Product, plain


class MinGRU(Core[Tensor]):
    """Minimal gated recurrent unit.

    With update gate z and candidate n, both [B, H]:

        z  = sigmoid(W_z x + b_z)
        n  = W_n x + b_n
        h' = z * h + (1 - z) * n                       z = 1 keeps the past

    The paper's z is our 1 - z. Where the paper says so it stands between normalisation, convolution and
    feed-forward layers, which are no part of this core.

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the state, which is also the output.

    Source: Feng et al. 2024, arXiv:2410.01201, sec. 3.1.
    """

    keeps = "update_gate"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(uniform_(torch.empty(2 * hidden_size, input_size), input_size))
        self.bias = nn.Parameter(torch.zeros(2 * hidden_size))
        self.update_gate, self.candidate, self.hidden = Tap(), Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_ih.new_zeros(batch_size, self.hidden_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        z, n = self._gates(product(x, self.weight_ih) + self.bias)
        h = self.hidden(z * state + (1 - z) * n)
        return masked(h, masks), h

    def scan(self, xs: Tensor, state: Tensor, lengths: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        z, n = self._gates(nn.functional.linear(xs, self.weight_ih, self.bias).to(state.dtype))
        return last_states(linear_recurrence(z, (1 - z) * n, state), state, lengths, masks)

    def _gates(self, sums: Tensor) -> tuple[Tensor, Tensor]:
        z, n = sums.chunk(2, dim=-1)
        return self.update_gate(z.sigmoid()), self.candidate(n)
