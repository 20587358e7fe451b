"""The gated recurrent unit, in the form of Cho et al. with the reset applied after the matrix product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, last_states, masked, uniform_
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.products import Product, plain
from ostinato.cores.scans import can_look_up, can_scan, scan
from ostinato.engine import layout


class GRU(Core[Tensor]):
    """Gated recurrent unit.

    With reset gate r, update gate z and candidate n, all [B, H]:

        r  = sigmoid(W_r x + U_r h + b_r)
        z  = sigmoid(W_z x + U_z h + b_z)
        n  = tanh(W_n x + b_n + r * (U_n h + c_n))
        h' = z * h + (1 - z) * n                       z = 1 keeps the past

    Two forms are in use under this name. This is the one of ``torch.nn.GRU`` and cuDNN (the reset
    multiplies ``U_n h``). Cho et al. multiply ``h`` before ``U_n``, and Chung et al. also swap
    ``z`` and ``1 - z``; weights do not carry over between the three.

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the state, which is also the output.

    Source: Cho et al. 2014, arXiv:1406.1078, eq. 5-8; Chung et al. 2014, arXiv:1412.3555, sec. 3.2.
    """

    keeps = "update_gate"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(uniform_(torch.empty(3 * hidden_size, input_size), hidden_size))
        self.weight_hh = nn.Parameter(uniform_(torch.empty(3 * hidden_size, hidden_size), hidden_size))
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))
        self.candidate_bias = nn.Parameter(torch.zeros(hidden_size))  # c_n
        self.reset_gate, self.update_gate, self.candidate, self.hidden = Tap(), Tap(), Tap(), Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_hh.new_zeros(batch_size, self.hidden_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        r_x, z_x, n_x = (product(x, self.weight_ih) + self.bias).chunk(3, dim=-1)
        r_h, z_h, n_h = product(state, self.weight_hh).chunk(3, dim=-1)
        r = self.reset_gate(torch.sigmoid(r_x + r_h))
        z = self.update_gate(torch.sigmoid(z_x + z_h))
        n = self.candidate(torch.tanh(n_x + r * (n_h + self.candidate_bias)))
        h = self.hidden(z * state + (1 - z) * n)
        return masked(h, masks), h

    def accepts_lookup(self, xs: Lookup) -> bool:
        return can_look_up(xs, self.weight_hh)

    def scan(self, xs: Inputs, state: Tensor, lengths: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        if can_scan(xs, self.weight_hh):
            own = (self.weight_ih, self.weight_hh, self.bias)
            ys, _ = scan(layout.GRU, xs, state, None, own, self.candidate_bias)
            return last_states(ys, state, lengths, masks)
        assert isinstance(xs, Tensor)
        nothing = self.bias.new_zeros(2 * self.hidden_size)
        weights = [self.weight_ih, self.weight_hh, self.bias, torch.cat([nothing, self.candidate_bias])]
        ys, _ = torch.gru(xs, state[None].contiguous(), weights, True, 1, 0.0, self.training, False, True)
        return last_states(ys, state, lengths, masks)
