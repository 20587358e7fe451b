"""A core of leaky units: each keeps a learned share of its state. Equations and letters as in the docstring."""

from typing import Any

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked, uniform_
from ostinato.cores.products import Product, plain
from ostinato.cores.stack import Stack


class Leaky(Core[Tensor]):
    """Leaky integrator units.

        h' = a ∘ h + (1 - a) ∘ tanh(W x + U h + b)          a = σ(α), one for each unit

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of the state, which is also the output.

    Source: Jaeger, Lukoševičius, Popovici and Siewert 2007, Neural Networks 20(3).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih = nn.Parameter(uniform_(torch.empty(hidden_size, input_size), hidden_size))
        self.weight_hh = nn.Parameter(uniform_(torch.empty(hidden_size, hidden_size), hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        self.leak = nn.Parameter(torch.linspace(-2, 2, hidden_size))
        self.candidate = Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Tensor:
        return self.weight_hh.new_zeros(batch_size, self.hidden_size)

    def step(
        self, x: Tensor, state: Tensor, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Tensor]:
        a = self.leak.sigmoid()
        h = a * state + (1 - a) * self.candidate(
            (product(x, self.weight_ih) + product(state, self.weight_hh) + self.bias).tanh()
        )
        return masked(h, masks), h


# It stacks, it carries its state, and padding does nothing to it.
core = Stack([Leaky(3, 8), Leaky(8, 8)], residual=True)
xs = torch.randn(2, 10, 3)
ys, final = core(xs)
first, state = core(xs[:, :4])
second, again = core(xs[:, 4:], state)
torch.testing.assert_close(torch.cat([first, second], dim=1), ys)
padded, short = core(xs, lengths=torch.tensor([10, 6]))
torch.testing.assert_close(short[1][1], core(xs[1:, :6])[1][1][0])
