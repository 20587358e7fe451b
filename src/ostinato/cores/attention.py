"""Decoders with attention: cores that choose at every step which positions of the source they read."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked, to_float32, uniform_
from ostinato.cores.bridges import Bridge, Maxout
from ostinato.cores.encoders import Source
from ostinato.cores.products import Product, plain


class Attending(NamedTuple):
    """State of a decoder with attention.

    Attributes:
        core: The state of its core.
        output: Output that is compared with the source, or fed back, [B, H].
        keys: Key of each position of the source, [B, S, A].
        memory: Memory of each position, [B, S, D].
        real: Mask of the positions that are not padding, [B, S].
        weights: Attention weight of each position at the last step, [B, S]; they sum to 1.
    """

    core: Any
    output: Tensor
    keys: Tensor
    memory: Tensor
    real: Tensor
    weights: Tensor


def attend(scores: Tensor, real: Tensor, memory: Tensor, tap: Tap) -> tuple[Tensor, Tensor]:
    """Read a memory [B, S, D] by scores [B, S]: the context [B, D], and the weights [B, S], 0 on padding.

    The weights pass through a tap.
    """
    weights: Tensor = tap(to_float32(scores).masked_fill(~real, -torch.inf).softmax(dim=-1))
    return torch.einsum("bs,bsd->bd", weights.to(memory.dtype), memory), weights


class AdditiveAttention(Core[Attending]):
    """A core with additive attention.

        e_j = vᵀ tanh(W s_{t-1} + U h_j)     a = softmax(e)     c_t = Σ_j a_j h_j
        s_t = core([x_t ; c_t], s_{t-1})     y_t = maxout([s_t ; x_t ; c_t])      s_0 = tanh(V c)

    Args:
        core: The core, of input width I + D and output width H.
        input_size: Width I of an input.
        memory_size: Width D of the memory.
        summary_size: Width C of the summary c.
        output_size: H; outputs are as wide.
        attention_size: Width A of keys and queries.

    Source: Bahdanau, Cho and Bengio 2014, arXiv:1409.0473, appendix A; there the output reads s_{t-1}.
    """

    def __init__(
        self,
        core: Core[Any],
        input_size: int,
        *,
        memory_size: int,
        summary_size: int,
        output_size: int,
        attention_size: int,
    ) -> None:
        super().__init__()
        self.core, self.output_size = core, output_size
        self.bridge = Bridge(core, summary_size)
        self.first = nn.Linear(summary_size, output_size)
        self.query = nn.Linear(output_size, attention_size)
        self.key = nn.Linear(memory_size, attention_size, bias=False)
        self.score = nn.Parameter(uniform_(torch.empty(attention_size), attention_size))
        self.readout = Maxout(output_size + input_size + memory_size, output_size)
        self.attention = Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Attending:
        source = (
            no_source(self.score, batch_size, self.key.in_features, self.first.in_features)
            if context is None
            else context
        )
        empty = self.core.initial_state(batch_size)
        core = empty if context is None else self.bridge(empty, source.summary)
        output = self.first(source.summary).tanh()
        return Attending(core, output, self.key(source.memory), source.memory, source.real, uniform_weights(source))

    def step(
        self, x: Tensor, state: Attending, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Attending]:
        compared = (self.query(state.output)[:, None] + state.keys).tanh()
        c, weights = attend(compared @ self.score, state.real, state.memory, self.attention)
        both = torch.cat([x, c], dim=-1)
        s, core = self.core.step(both, state.core, product=product)
        y = self.readout(torch.cat([s, both], dim=-1))
        return masked(y, masks), state._replace(core=core, output=s, weights=weights)


class MultiplicativeAttention(Core[Attending]):
    """A core with multiplicative attention, whose output is fed back.

        s_t = core([x_t ; y_{t-1}], s_{t-1})     e_j = s_tᵀ W h_j     a = softmax(e)     c_t = Σ_j a_j h_j
        y_t = tanh(U [s_t ; c_t])                y_0 = 0              s_0 = tanh(V c)

    Args:
        core: The core, of input width I + H and output width H.
        memory_size: Width D of the memory.
        summary_size: Width C of the summary c.
        output_size: H; outputs are as wide.

    Source: Luong, Pham and Manning 2015, arXiv:1508.04025 ("general", input feeding).
    """

    def __init__(self, core: Core[Any], *, memory_size: int, summary_size: int, output_size: int) -> None:
        super().__init__()
        self.core, self.output_size, self.summary_size = core, output_size, summary_size
        self.bridge = Bridge(core, summary_size)
        self.key = nn.Linear(memory_size, output_size, bias=False)
        self.readout = nn.Linear(output_size + memory_size, output_size, bias=False)
        self.attention = Tap()

    def initial_state(self, batch_size: int, context: Any = None) -> Attending:
        weight, sizes = self.key.weight, (self.key.in_features, self.summary_size)
        source = no_source(weight, batch_size, *sizes) if context is None else context
        empty = self.core.initial_state(batch_size)
        core = empty if context is None else self.bridge(empty, source.summary)
        output = source.memory.new_zeros(batch_size, self.output_size)
        return Attending(core, output, self.key(source.memory), source.memory, source.real, uniform_weights(source))

    def step(
        self, x: Tensor, state: Attending, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Attending]:
        s, core = self.core.step(torch.cat([x, state.output], dim=-1), state.core, product=product)
        c, weights = attend(torch.einsum("bh,bsh->bs", s, state.keys), state.real, state.memory, self.attention)
        y = self.readout(torch.cat([s, c], dim=-1)).tanh()
        return masked(y, masks), state._replace(core=core, output=y, weights=weights)


def uniform_weights(source: Source) -> Tensor:
    """Return equal weights on all real positions, [B, S], for the state before the first step."""
    real = source.real.to(to_float32(source.memory).dtype)
    return real / real.sum(dim=-1, keepdim=True)


def no_source(weight: Tensor, batch_size: int, memory_size: int, summary_size: int) -> Source:
    """Return a source of one empty position, of the device and type of a weight."""
    memory = weight.new_zeros(batch_size, 1, memory_size)
    real = torch.ones(batch_size, 1, dtype=torch.bool, device=memory.device)
    return Source(memory, real, memory.new_zeros(batch_size, summary_size))
