"""Long short-term memory."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, last_states, masked, to_float32, uniform_
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.products import Product, plain
from ostinato.cores.scans import can_look_up, can_scan, product_dtype, scan
from ostinato.engine import layout

_ROWS = 8  # with fewer, PyTorch's kernel shares out a step's units among threads, which ours does not
_UNITS = 2**14  # in float32, of all rows together
# Through a sigmoid this is exactly 0 or 1 in every precision, and its own gradient is exactly 0.
_SHUT = 1e4


class LSTMState(NamedTuple):
    """State of an LSTM: ``hidden`` [B, H], also its output, and ``cell`` [B, H]."""

    hidden: Tensor
    cell: Tensor


def new_weights(
    input_size: int, hidden_size: int, forget_bias: float
) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
    """Return the first weights of an LSTM's gates i, f, g and o, [4 H, I] and [4 H, H], and their biases, [4 H]."""
    weight_ih = nn.Parameter(uniform_(torch.empty(4 * hidden_size, input_size), hidden_size))
    weight_hh = nn.Parameter(uniform_(torch.empty(4 * hidden_size, hidden_size), hidden_size))
    bias = torch.zeros(4 * hidden_size)
    bias[hidden_size : 2 * hidden_size] = forget_bias
    return weight_ih, weight_hh, nn.Parameter(bias)


def _lacks_kernel(xs: Tensor) -> bool:
    """Whether PyTorch has no kernel for these inputs in bfloat16 on this processor, so that it has to be float32."""
    return xs.device.type == "cpu" and product_dtype(xs) == torch.bfloat16 and not _has_bfloat16_kernel()


@cache
def _has_bfloat16_kernel() -> bool:
    xs, state = torch.zeros(2, 2, 8), torch.zeros(1, 2, 8)
    weights = [torch.zeros(32, *shape, requires_grad=True) for shape in ((8,), (8,), (), ())]
    try:
        with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
            torch.lstm(xs, [state, state], weights, True, 1, 0.0, True, False, True)
    except RuntimeError:  # oneDNN's needs AVX-512
        return False
    return True


def empty_state(weight_hh: Tensor, batch_size: int) -> LSTMState:
    """Return the state before the first step, [B, H] each, for weights from state to gates [4 H, H]."""
    zero = weight_hh.new_zeros(batch_size, weight_hh.shape[1])
    return LSTMState(zero, zero)


class LSTM(Core[LSTMState]):
    """Long short-term memory with a forget gate.

    With input gate i, forget gate f, candidate g and output gate o, all [B, H]:

        i  = sigmoid(W_i x + U_i h + b_i)
        f  = sigmoid(W_f x + U_f h + b_f)          b_f starts at forget_bias
        g  = tanh(W_g x + U_g h + b_g)
        o  = sigmoid(W_o x + U_o h + b_o)
        c' = f * c + i * g
        h' = o * tanh(c')

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of hidden and cell; the output is the hidden state.
        forget_bias: Where the forget gate's bias starts: 1 keeps the past from the first step on.

    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8); forget gate: Gers, Schmidhuber and
    Cummins 2000, Neural Computation 12(10); forget bias 1: Jozefowicz, Zaremba and Sutskever 2015.
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
        gates = product(x, self.weight_ih) + product(state.hidden, self.weight_hh) + self.bias  # [B, 4H]
        i, f, g, o = gates.chunk(4, dim=-1)
        i, f = self.input_gate(i.sigmoid()), self.forget_gate(f.sigmoid())
        g, o = self.candidate(g.tanh()), self.output_gate(o.sigmoid())
        c = self.cell(f * state.cell + i * g)
        h = self.hidden(o * c.tanh())
        return masked(h, masks), LSTMState(h, c)

    def accepts_lookup(self, xs: Lookup) -> bool:
        return self._is_worth_it(xs) and can_look_up(xs, self.weight_hh)

    def scan(
        self, xs: Inputs, state: LSTMState, lengths: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, LSTMState]:
        if self._is_worth_it(xs) and can_scan(xs, self.weight_hh):
            own = (self.weight_ih, self.weight_hh, self.bias)
            ys, cells = scan(layout.LSTM, xs, state.hidden, state.cell, own)
            assert cells is not None
            outputs, hidden = last_states(ys, state.hidden, lengths, masks)
            return outputs, LSTMState(hidden, last_states(cells, state.cell, lengths, None)[1])
        assert isinstance(xs, Tensor)
        weight_ih: Tensor = self.weight_ih
        if lengths is not None:
            xs, weight_ih = self._with_padding_column(xs, lengths)
        weights = [weight_ih, self.weight_hh, self.bias, torch.zeros_like(self.bias)]
        first = [leaf[None].contiguous() for leaf in state]  # the kernel wants [layers, B, H]
        with torch.autocast("cpu", enabled=False) if _lacks_kernel(xs) else nullcontext():
            ys, _, cell = torch.lstm(xs, first, weights, True, 1, 0.0, self.training, False, True)
        outputs, hidden = last_states(ys, state.hidden, lengths, masks)
        return outputs, LSTMState(hidden, to_float32(cell[0]))

    def _is_worth_it(self, xs: Inputs) -> bool:
        """Whether compiled code is as fast as PyTorch's own kernel: measured, see docs/design/decisions.md."""
        rows = len(xs)
        return rows >= _ROWS and (product_dtype(xs) == torch.bfloat16 or rows * self.hidden_size >= _UNITS)

    def _with_padding_column(self, xs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Add an input that is 1 on padding and there shuts the input gate and opens the forget gate.

        So the cell stands still past a row's length and the kernel stays the fused one, which
        PyTorch's packed sequences would leave.
        """
        padding = torch.arange(xs.shape[1], device=xs.device) >= lengths[:, None]  # [B, T]
        H = self.hidden_size
        column = self.weight_ih.new_zeros(4 * H, 1)
        column[:H], column[H : 2 * H] = -_SHUT, _SHUT
        return torch.cat([xs, padding[:, :, None].to(xs.dtype)], dim=2), torch.cat([self.weight_ih, column], dim=1)
