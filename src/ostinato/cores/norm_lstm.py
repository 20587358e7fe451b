"""The layer-normalised LSTM."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked, to_float32, unroll
from ostinato.cores.lstm import LSTMState, empty_state, new_weights
from ostinato.cores.products import Product, plain


class NormLSTM(Core[LSTMState]):
    """LSTM whose sums and cell are brought to mean 0 and variance 1 over the units of a row.

    With N(v; a) = a * (v - mean(v)) / sqrt(variance(v) + 1e-5), over the four gates' units together for the sums:

        (i, f, g, o) = N(W x; a_x) + N(U h; a_h) + b   b_f starts at forget_bias
        c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h' = sigmoid(o) * tanh(N(c'; a_c) + b_c)

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of hidden and cell; the output is the hidden state.
        forget_bias: Where the forget gate's bias starts.

    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450, eq. 20-22.
    """

    keeps = "forget_gate"

    def __init__(self, input_size: int, hidden_size: int, *, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih, self.weight_hh, self.bias = new_weights(input_size, hidden_size, forget_bias)
        self.input_gain = nn.Parameter(torch.ones(4 * hidden_size))  # a_x
        self.hidden_gain = nn.Parameter(torch.ones(4 * hidden_size))  # a_h
        self.cell_gain = nn.Parameter(torch.ones(hidden_size))  # a_c
        self.cell_bias = nn.Parameter(torch.zeros(hidden_size))  # b_c
        self.input_gate, self.forget_gate, self.candidate, self.output_gate = Tap(), Tap(), Tap(), Tap()
        self.cell, self.hidden = Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> LSTMState:
        return empty_state(self.weight_hh, batch_size)

    def step(
        self, x: Tensor, state: LSTMState, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, LSTMState]:
        sums = self._of_inputs(product(x, self.weight_ih))
        h, after = self._after(sums, product(state.hidden, self.weight_hh), state)
        return masked(h, masks), after

    def scan(
        self, xs: Tensor, state: LSTMState, lengths: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, LSTMState]:
        if lengths is not None:
            return unroll(self, xs, state, lengths, masks)
        outputs = []
        for sums in self._of_inputs(F.linear(xs, self.weight_ih)).unbind(dim=1):  # what needs no state, all at once
            _, state = self._after(sums, F.linear(state.hidden, self.weight_hh), state)
            outputs.append(state.hidden)
        return masked(torch.stack(outputs, dim=1), masks), LSTMState(*map(to_float32, state))

    def _of_inputs(self, sums: Tensor) -> Tensor:
        return F.layer_norm(sums, sums.shape[-1:], self.input_gain, self.bias)

    def _after(self, of_inputs: Tensor, of_hidden: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        i, f, g, o = (of_inputs + F.layer_norm(of_hidden, of_hidden.shape[-1:], self.hidden_gain)).chunk(4, dim=-1)
        i, f = self.input_gate(i.sigmoid()), self.forget_gate(f.sigmoid())
        g, o = self.candidate(g.tanh()), self.output_gate(o.sigmoid())
        c = self.cell(f * state.cell + i * g)
        h = self.hidden(o * F.layer_norm(c, c.shape[-1:], self.cell_gain, self.cell_bias).tanh())
        return h, LSTMState(h, c)
