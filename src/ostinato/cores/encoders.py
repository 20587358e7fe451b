"""Encoders of whole sequences, for decoders and for labels. They have no ``step``: they see the future."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.base import Core, last_states


class Source(NamedTuple):
    """An encoded source; also a state, as axis 0 of every tensor is the batch.

    Attributes:
        memory: Encoding of each position, [B, S, D]; zero on padding.
        real: Mask of the positions that are not padding, [B, S].
        summary: Summary of the whole source, [B, C].
        state: State of the encoder after its last step, for a decoder of the same kind; empty where there is none.
    """

    memory: Tensor
    real: Tensor
    summary: Tensor
    state: Any = ()


class Encoder(nn.Module, abc.ABC):
    """Encoder of sequences into a ``Source``. Padding is never read.

    Attributes:
        memory_size: Width D of the memory.
        summary_size: Width C of the summary.
        longest: Greatest number of positions that it can read; ``None``: any number.
    """

    memory_size: int
    summary_size: int
    longest: int | None = None

    @abc.abstractmethod
    def forward(self, xs: Tensor, lengths: Tensor) -> Source:
        """Encode inputs [B, S, I]; ``lengths`` [B] says how many positions of each row are real, at least one."""

    def layers_of(self, xs: Tensor, lengths: Tensor) -> list[Tensor]:
        """Return the outputs of each layer, [B, S, D], the memory last; of encoders that tell no others that alone."""
        return [self(xs, lengths).memory]


class OneWay(Encoder):
    """A core that reads from left to right, or the other way round; its last output is the summary.

    Args:
        core: The core, of output width H.
        output_size: H.
        reverse: Whether it reads each source from its end.

    Source: Sutskever, Vinyals and Le 2014, arXiv:1409.3215; Cho et al. 2014, arXiv:1406.1078.
    """

    def __init__(self, core: Core[Any], output_size: int, *, reverse: bool = False) -> None:
        super().__init__()
        self.core, self.reverse = core, reverse
        self.memory_size = self.summary_size = output_size

    def forward(self, xs: Tensor, lengths: Tensor) -> Source:
        ys, state = self.core(reversed_rows(xs, lengths) if self.reverse else xs, lengths=lengths)
        memory = reversed_rows(ys, lengths) if self.reverse else ys
        return Source(memory, real_places(lengths, xs.shape[1]), last_outputs(ys, lengths), state)


class Bidirectional(Encoder):
    """Two stacks of cores: in every layer one reads from left to right, the other from right to left.

        h_t = [→h_t ; ←h_t]                 the next layer reads both; the summary is [→h_S ; ←h_1]

    Args:
        pairs: For each layer, lowest first, the core that reads forwards and the one that reads backwards; from the
            second layer on of input width 2 H.
        output_size: Width H of each core's output.

    Source: Schuster and Paliwal 1997, IEEE Transactions on Signal Processing 45(11).
    """

    def __init__(self, pairs: list[tuple[Core[Any], Core[Any]]], output_size: int) -> None:
        super().__init__()
        self.forwards = nn.ModuleList(forwards for forwards, _ in pairs)
        self.backwards = nn.ModuleList(backwards for _, backwards in pairs)
        self.memory_size = self.summary_size = 2 * output_size

    def forward(self, xs: Tensor, lengths: Tensor) -> Source:
        xs, summary = list(self._run(xs, lengths))[-1]
        return Source(xs, real_places(lengths, xs.shape[1]), summary)

    def layers_of(self, xs: Tensor, lengths: Tensor) -> list[Tensor]:
        return [memory for memory, _ in self._run(xs, lengths)]

    def _run(self, xs: Tensor, lengths: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the memory [B, S, 2 H] and the summary [B, 2 H] of each layer."""
        for forwards, backwards in zip(self.forwards, self.backwards, strict=True):
            right, _ = forwards(xs, lengths=lengths)
            left, _ = backwards(reversed_rows(xs, lengths), lengths=lengths)
            summary = torch.cat([last_outputs(right, lengths), last_outputs(left, lengths)], dim=-1)
            xs = torch.cat([right, reversed_rows(left, lengths)], dim=-1)
            yield xs, summary


class Convolutional(Encoder):
    """Gated convolutions over embedded symbols and their positions; the summary is the mean.

        z^l = (v(z^{l-1}) + z^{l-1}) √½          v = A ⊗ σ(B), of a convolution of width K, odd

    The memory is [z ; e]: attention compares with z, and sums z + e, e being the embedded input.

    Args:
        input_size: Width I of an input.
        hidden_size: Width H of z.
        layers: Number of convolutions.
        kernel: Width K of a convolution.
        places: Greatest number of positions.

    Source: Gehring et al. 2017, arXiv:1705.03122.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, layers: int = 3, kernel: int = 3, places: int = 512
    ) -> None:
        super().__init__()
        self.places = nn.Embedding(places, input_size)
        self.entry = nn.Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(
            nn.Conv1d(hidden_size, 2 * hidden_size, kernel, padding=kernel // 2) for _ in range(layers)
        )
        self.exit = nn.Linear(hidden_size, input_size)
        self.memory_size, self.summary_size, self.longest = 2 * input_size, input_size, places

    def forward(self, xs: Tensor, lengths: Tensor) -> Source:
        real = real_places(lengths, xs.shape[1])
        e = (xs + self.places(torch.arange(xs.shape[1], device=xs.device))) * real[:, :, None]
        z = self.entry(e)
        for block in self.blocks:
            inner = block((z * real[:, :, None]).transpose(1, 2)).transpose(1, 2)  # padding reads as zero
            z = (F.glu(inner, dim=-1) + z) * 0.5**0.5
        z = self.exit(z) * real[:, :, None]
        return Source(torch.cat([z, e], dim=-1), real, (z + e).sum(dim=1) / lengths[:, None])


def real_places(lengths: Tensor, width: int) -> Tensor:
    """Return the mask of the positions that are not padding, [B, S], where S is ``width``."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]


def reversed_rows(xs: Tensor, lengths: Tensor) -> Tensor:
    """Reverse each row's real positions, [B, S, …]; padding stays where it is."""
    at = torch.arange(xs.shape[1], device=xs.device).expand(len(xs), -1)
    turned = torch.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)
    return xs.gather(1, turned.reshape(*turned.shape, *[1] * (xs.ndim - 2)).expand_as(xs))


def last_outputs(ys: Tensor, lengths: Tensor) -> Tensor:
    """Return each row's output at its last real position, [B, H]; zero for a row without any."""
    return last_states(ys, ys.new_zeros(len(ys), ys.shape[2]), lengths, None)[1]
