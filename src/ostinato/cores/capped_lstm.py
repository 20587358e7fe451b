"""Long short-term memory that lets in no more than it forgets."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ostinato.cores.base import Core, Tap, last_states, masked, to_float32, unroll
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.lstm import LSTMState, empty_state, new_weights
from ostinato.cores.products import Product, plain
from ostinato.cores.scans import can_look_up, can_scan, scan
from ostinato.engine import layout


class CappedLSTM(Core[LSTMState]):
    """LSTM whose input gate is capped by what the forget gate leaves.

    With input gate i, forget gate f, candidate g and output gate o, all [B, H]:

        f  = sigmoid(W_f x + U_f h + b_f)              b_f starts at forget_bias
        i  = min(sigmoid(W_i x + U_i h + b_i), 1 - f)
        g  = tanh(W_g x + U_g h + b_g)
        o  = sigmoid(W_o x + U_o h + b_o)
        c' = f * c + i * g                             so |c| stays at most 1
        h' = o * tanh(c')

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of hidden and cell; the output is the hidden state.
        forget_bias: Where the forget gate's bias starts.

    Source: Melis, Dyer and Blunsom 2018, arXiv:1707.05589, sec. 3; Bellard 2019, "Lossless data compression with
    neural networks".
    """

    keeps = "forget_gate"

    def __init__(self, input_size: int, hidden_size: int, *, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih, self.weight_hh, self.bias = new_weights(input_size, hidden_size, forget_bias)
        self.input_gate, self.forget_gate, self.candidate, self.output_gate = Tap(), Tap(), Tap(), Tap()
        self.cell, self.hidden = Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> LSTMState:
        return empty_state(self.weight_hh, batch_size)

    def step(
        self, x: Tensor, state: LSTMState, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, LSTMState]:
        h, after = self._after(product(x, self.weight_ih) + self.bias, product(state.hidden, self.weight_hh), state)
        return masked(h, masks), after

    def accepts_lookup(self, xs: Lookup) -> bool:
        return can_look_up(xs, self.weight_hh)

    def scan(
        self, xs: Inputs, state: LSTMState, lengths: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, LSTMState]:
        if can_scan(xs, self.weight_hh):
            own = (self.weight_ih, self.weight_hh, self.bias)
            ys, cells = scan(layout.CAPPED_LSTM, xs, state.hidden, state.cell, own)
            assert cells is not None
            outputs, hidden = last_states(ys, state.hidden, lengths, masks)
            return outputs, LSTMState(hidden, last_states(cells, state.cell, lengths, None)[1])
        assert isinstance(xs, Tensor)
        if lengths is not None:
            return unroll(self, xs, state, lengths, masks)
        stepped = []
        for sums in F.linear(xs, self.weight_ih, self.bias).unbind(dim=1):  # what needs no state, all at once
            h, state = self._after(sums, F.linear(state.hidden, self.weight_hh), state)
            stepped.append(h)
        return masked(torch.stack(stepped, dim=1), masks), LSTMState(*map(to_float32, state))

    def _after(self, of_inputs: Tensor, of_hidden: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        i, f, g, o = (of_inputs + of_hidden).chunk(4, dim=-1)
        f = self.forget_gate(f.sigmoid())
        i = self.input_gate(torch.minimum(i.sigmoid(), 1 - f))
        g, o = self.candidate(g.tanh()), self.output_gate(o.sigmoid())
        c = self.cell(f * state.cell + i * g)
        h = self.hidden(o * c.tanh())
        return h, LSTMState(h, c)
