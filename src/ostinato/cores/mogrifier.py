"""The Mogrifier LSTM: input and hidden state gate each other before the LSTM sees them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked, uniform_
from ostinato.cores.lstm import LSTMState, empty_state, new_weights
from ostinato.cores.products import Product, plain


class MogrifierLSTM(Core[LSTMState]):
    """LSTM in front of which input x and hidden state h gate each other in turn.

    In round n = 1 … rounds:

        n odd:   x = 2 sigmoid(Q_n h) * x
        n even:  h = 2 sigmoid(R_n x) * h

    and then, with x and h as they have become,

        (i, f, g, o) = W x + U h + b                   b_f starts at forget_bias
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(c')

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of hidden and cell; the output is the hidden state.
        rounds: Number of rounds in which they gate each other in turn.
        forget_bias: Where the forget gate's bias starts.

    Source: Melis, Kočiský and Blunsom 2020, arXiv:1909.01792, eq. 1-2; theirs can have matrices of low rank.
    """

    keeps = "forget_gate"

    def __init__(self, input_size: int, hidden_size: int, *, rounds: int = 5, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih, self.weight_hh, self.bias = new_weights(input_size, hidden_size, forget_bias)
        shapes = [(hidden_size, input_size), (input_size, hidden_size)]
        self.rounds = nn.ParameterList(
            nn.Parameter(uniform_(torch.empty(shapes[n % 2]), hidden_size)) for n in range(1, rounds + 1)
        )
        self.input_gate, self.forget_gate, self.candidate, self.output_gate = Tap(), Tap(), Tap(), Tap()
        self.cell, self.hidden = Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> LSTMState:
        return empty_state(self.weight_hh, batch_size)

    def step(
        self, x: Tensor, state: LSTMState, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, LSTMState]:
        h = state.hidden
        for n, weight in enumerate(self.rounds, start=1):
            if n % 2:
                x = 2 * product(h, weight).sigmoid() * x
            else:
                h = 2 * product(x, weight).sigmoid() * h
        i, f, g, o = (product(x, self.weight_ih) + product(h, self.weight_hh) + self.bias).chunk(4, dim=-1)
        i, f = self.input_gate(i.sigmoid()), self.forget_gate(f.sigmoid())
        g, o = self.candidate(g.tanh()), self.output_gate(o.sigmoid())
        c = self.cell(f * state.cell + i * g)
        h = self.hidden(o * c.tanh())
        return masked(h, masks), LSTMState(h, c)
