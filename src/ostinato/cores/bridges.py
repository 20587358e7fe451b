"""Layers between encoder, decoder and head: first states made from a summary, and the maxout layer before a head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from ostinato.cores.base import Core
from ostinato.cores.state import map_state, tensors


class Bridge(nn.Module):
    """The first state of a core from a summary of the source: s = tanh(W c + b), one W for each of its tensors.

    Args:
        core: Core whose first state is made.
        summary_size: Width C of the summary.

    Source: Bahdanau, Cho and Bengio 2014, arXiv:1409.0473, appendix A.2.2.
    """

    def __init__(self, core: Core[Any], summary_size: int) -> None:
        super().__init__()
        widths = [leaf.shape[1] for leaf in tensors(core.initial_state(1))]
        self.layers = nn.ModuleList(nn.Linear(summary_size, width) for width in widths)

    def forward(self, empty: Any, summary: Tensor) -> Any:
        """Return the first state, of the structure of an empty one, for summaries [B, C]."""
        layers: Iterator[nn.Module] = iter(self.layers)
        return map_state(lambda leaf: next(layers)(summary).tanh().to(leaf.dtype), empty)


class Maxout(nn.Module):
    """y_i = max(W_i x + b_i, V_i x + c_i).

    Args:
        input_size: Width of x.
        output_size: Width of y.

    Source: Goodfellow et al. 2013, arXiv:1302.4389; as the layer before the softmax: arXiv:1406.1078.
    """

    def __init__(self, input_size: int, output_size: int) -> None:
        super().__init__()
        self.both = nn.Linear(input_size, 2 * output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., output_size] for [..., input_size]."""
        return self.both(x).unflatten(-1, (2, -1)).amax(dim=-2)  # type: ignore[no-any-return]
