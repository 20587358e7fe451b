"""The network of Jordan: what looks back is the output, not the hidden state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked, uniform_
from ostinato.cores.products import Product, plain


class Jordan(Core[Tensor]):
    """Recurrence from the output to the next step.

        h  = tanh(W x + U s + b)
        y  = C h + d                                   the output, with its own output layer
        s' = decay * s + softmax(y)

    The state holds only what the output says, so this is less powerful than a recurrence through
    the hidden state unless the output carries everything the past has to tell (Goodfellow et al.).
    As a language model its head is the identity: ``y`` are the logits.

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the hidden layer.
        output_size: Width of output and state.
        decay: Share of the older outputs that the state keeps, at least 0 and below 1.

    Source: Jordan 1986, ICS report 8604 (decay included); Goodfellow, Bengio and Courville 2016,
    Deep Learning, sec. 10.2 (the second of the three design patterns).
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int, *, decay: float = 0.0) -> None:
        super().__init__()
        self.output_size = output_size
        self.decay = decay
        self.weight_ih = nn.Parameter(uniform_(torch.empty(hidden_size, input_size), hidden_size))
        self.weight_sh = nn.Parameter(uniform_(torch.empty(hidden_size, output_size), hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        self.output = nn.Linear(hidden_size, output_size)
        self.hidden = Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_sh.new_zeros(batch_size, self.output_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        h = self.hidden(torch.tanh(product(x, self.weight_ih) + product(state, self.weight_sh) + self.bias))
        y = self.output(h)
        s = self.decay * state + y.softmax(dim=-1)
        return masked(y, masks), s
