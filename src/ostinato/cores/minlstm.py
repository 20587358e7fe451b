"""The minimal LSTM: gates that do not look at the state, so all of time runs at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, last_states, masked, uniform_
from ostinato.cores.linear import linear_recurrence
from ostinato.cores.products import Product, plain


class MinLSTM(Core[Tensor]):
    """Minimal LSTM, its gates made to add up to 1.

    With input gate i, forget gate f and candidate g, all [B, H]:

        i  = sigmoid(W_i x + b_i)
        f  = sigmoid(W_f x + b_f)                      b_f starts at forget_bias
        g  = W_g x + b_g
        h' = f / (f + i) * h + i / (f + i) * g

    There is one state: the paper leaves out the output gate and tanh.

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the state, which is also the output.
        forget_bias: Where the forget gate's bias starts.

    Source: Feng et al. 2024, arXiv:2410.01201, sec. 3.2.
    """

    def __init__(self, input_size: int, hidden_size: int, *, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(uniform_(torch.empty(3 * hidden_size, input_size), input_size))
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))
        with torch.no_grad():
            self.bias[hidden_size : 2 * hidden_size] = forget_bias
        self.input_gate, self.forget_gate, self.candidate, self.hidden = Tap(), Tap(), Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_ih.new_zeros(batch_size, self.hidden_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        i, f, g = self._gates(product(x, self.weight_ih) + self.bias)
        h = self.hidden(f / (f + i) * state + i / (f + i) * g)
        return masked(h, masks), h

    def scan(self, xs: Tensor, state: Tensor, lengths: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        i, f, g = self._gates(nn.functional.linear(xs, self.weight_ih, self.bias).to(state.dtype))
        ys = linear_recurrence(f / (f + i), i / (f + i) * g, state)
        return last_states(ys, state, lengths, masks)

    def _gates(self, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, g = sums.chunk(3, dim=-1)
        return self.input_gate(i.sigmoid()), self.forget_gate(f.sigmoid()), self.candidate(g)
