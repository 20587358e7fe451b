"""Decoders without attention: cores that read an encoded source through their first state, or at every step."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ostinato.cores.base import Core, masked
from ostinato.cores.bridges import Bridge, Maxout
from ostinato.cores.encoders import Source
from ostinato.cores.products import Product, plain


class FromLastState(Core[Any]):
    """A core that starts from the last state of an encoder of the same kind, and knows nothing else of the source.

    Args:
        core: The core, of output width H.
        output_size: H.

    Source: Sutskever, Vinyals and Le 2014, arXiv:1409.3215.
    """

    def __init__(self, core: Core[Any], output_size: int) -> None:
        super().__init__()
        self.core, self.output_size = core, output_size

    def initial_state(self, batch_size: int, context: Any = None) -> Any:
        return self.core.initial_state(batch_size) if context is None else context.state

    def step(self, x: Tensor, state: Any, masks: Any = None, *, product: Product = plain) -> tuple[Tensor, Any]:
        return self.core.step(x, state, masks, product=product)

    def scan(self, xs: Tensor, state: Any, lengths: Tensor | None, masks: Any) -> tuple[Tensor, Any]:
        return self.core(xs, state, lengths=lengths, masks=masks)  # type: ignore[no-any-return]


class Summarised(NamedTuple):
    """State of a decoder that reads a summary at every step.

    Attributes:
        core: State of its core.
        summary: Summary of the source, [B, C].
    """

    core: Any
    summary: Tensor


class WithSummary(Core[Summarised]):
    """A core that reads a summary c of the source at every step.

        s_0 = tanh(V c)        s_t = core([x_t ; c], s_{t-1})        y_t = maxout([s_t ; x_t ; c])

    Args:
        core: The core, of input width I + C and output width H.
        input_size: Width I of an input.
        summary_size: Width C of the summary.
        output_size: H; outputs are as wide.

    Source: Cho et al. 2014, arXiv:1406.1078, appendix A.
    """

    def __init__(self, core: Core[Any], input_size: int, summary_size: int, output_size: int) -> None:
        super().__init__()
        self.core, self.output_size = core, output_size
        self.bridge = Bridge(core, summary_size)
        self.readout = Maxout(output_size + input_size + summary_size, output_size)
        self.summary_size = summary_size

    def initial_state(self, batch_size: int, context: Any = None) -> Summarised:
        empty = self.core.initial_state(batch_size)
        if context is None:
            return Summarised(empty, self.readout.both.weight.new_zeros(batch_size, self.summary_size))
        source: Source = context
        return Summarised(self.bridge(empty, source.summary), source.summary)

    def step(
        self, x: Tensor, state: Summarised, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Summarised]:
        both = torch.cat([x, state.summary], dim=-1)
        s, after = self.core.step(both, state.core, product=product)
        y = self.readout(torch.cat([s, both], dim=-1))
        return masked(y, masks), Summarised(after, state.summary)

    def scan(
        self, xs: Tensor, state: Summarised, lengths: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Summarised]:
        both = torch.cat([xs, state.summary[:, None].expand(-1, xs.shape[1], -1)], dim=-1)
        s, after = self.core(both, state.core, lengths=lengths)
        ys = masked(self.readout(torch.cat([s, both], dim=-1)), masks)
        if lengths is not None:
            real = torch.arange(xs.shape[1], device=xs.device) < lengths[:, None]
            ys = torch.where(real[:, :, None], ys, 0)
        return ys, Summarised(after, state.summary)
