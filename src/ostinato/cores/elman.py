"""The simple recurrent network of Elman: the hidden state looks back at itself."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, last_states, masked, uniform_
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.products import Product, plain
from ostinato.cores.scans import can_look_up, can_scan, scan
from ostinato.engine import layout


class Elman(Core[Tensor]):
    """Simple recurrent network.

        h' = f(W x + U h + b)                          f = tanh or ReLU

    With ReLU, ``U`` starts as the identity, which keeps gradients alive through time (Le et al.).

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the state, which is also the output.
        nonlinearity: ``"tanh"`` or ``"relu"``.

    Source: Elman 1990, Cognitive Science 14(2); ReLU with identity: Le, Jaitly and Hinton 2015, arXiv:1504.00941.
    """

    def __init__(self, input_size: int, hidden_size: int, *, nonlinearity: Literal["tanh", "relu"] = "tanh") -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.nonlinearity = nonlinearity
        self.weight_ih = nn.Parameter(uniform_(torch.empty(hidden_size, input_size), hidden_size))
        self.weight_hh = nn.Parameter(uniform_(torch.empty(hidden_size, hidden_size), hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        if nonlinearity == "relu":
            nn.init.eye_(self.weight_hh)
        self.hidden = Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_hh.new_zeros(batch_size, self.hidden_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        f = torch.tanh if self.nonlinearity == "tanh" else torch.relu
        h = self.hidden(f(product(x, self.weight_ih) + product(state, self.weight_hh) + self.bias))
        return masked(h, masks), h

    def accepts_lookup(self, xs: Lookup) -> bool:
        return can_look_up(xs, self.weight_hh)

    def scan(self, xs: Inputs, state: Tensor, lengths: Tensor | None, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        if can_scan(xs, self.weight_hh):
            kind = layout.ELMAN_TANH if self.nonlinearity == "tanh" else layout.ELMAN_RELU
            ys, _ = scan(kind, xs, state, None, (self.weight_ih, self.weight_hh, self.bias))
            return last_states(ys, state, lengths, masks)
        assert isinstance(xs, Tensor)
        kernel = torch.rnn_tanh if self.nonlinearity == "tanh" else torch.rnn_relu
        weights = [self.weight_ih, self.weight_hh, self.bias, torch.zeros_like(self.bias)]
        ys, _ = kernel(xs, state[None].contiguous(), weights, True, 1, 0.0, self.training, False, True)
        return last_states(ys, state, lengths, masks)
