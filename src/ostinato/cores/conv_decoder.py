"""The decoder of convolutional sequence-to-sequence: a causal convolution whose last inputs are its state."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.attention import no_source, uniform_weights
from ostinato.cores.base import Core, Tap, masked, to_float32
from ostinato.cores.encoders import Source, real_places
from ostinato.cores.products import Product, plain


class Convolving(NamedTuple):
    """State of a convolutional decoder.

    Attributes:
        windows: Inputs of each layer at the K - 1 steps before, [B, K-1, H].
        step: Number of steps so far, [B] int64.
        memory: Memory of the source, [B, S, 2 I].
        real: Mask of the source positions that are not padding, [B, S].
        weights: Attention weights of the last layer at the last step, [B, S].
    """

    windows: tuple[Tensor, ...]
    step: Tensor
    memory: Tensor
    real: Tensor
    weights: Tensor


class ConvolutionalDecoder(Core[Convolving]):
    """Gated causal convolutions with attention in every layer.

        g_t = x_t + p_t                              d_t^l = W^l v_t^l + b^l + g_t
        a = softmax_j(d_t^l · z_j)                   c_t^l = √S Σ_j a_j (z_j + e_j)
        h^l = (v^l + U^l c^l + h^{l-1}) √½           v^l = A ⊗ σ(B) of a convolution over K steps

    Args:
        input_size: Width I of an input, which is also that of z and e.
        hidden_size: Width H of every layer, and of outputs.
        layers: Number of layers.
        kernel: Width K of a convolution.
        places: Number of steps with a position embedding of their own; later ones share the last.

    Source: Gehring et al. 2017, arXiv:1705.03122, sec. 3.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, layers: int = 3, kernel: int = 3, places: int = 512
    ) -> None:
        super().__init__()
        self.output_size, self.kernel = hidden_size, kernel
        self.places = nn.Embedding(places, input_size)
        self.attention = Tap()
        self.entry = nn.Linear(input_size, hidden_size)
        self.convolutions = nn.ModuleList(nn.Conv1d(hidden_size, 2 * hidden_size, kernel) for _ in range(layers))
        self.queries = nn.ModuleList(nn.Linear(hidden_size, input_size) for _ in range(layers))
        self.readers = nn.ModuleList(nn.Linear(input_size, hidden_size) for _ in range(layers))

    def initial_state(self, batch_size: int, context: Any = None) -> Convolving:
        weight = self.entry.weight
        width = self.entry.in_features
        source: Source = no_source(weight, batch_size, 2 * width, width) if context is None else context
        windows = tuple(weight.new_zeros(batch_size, self.kernel - 1, self.output_size) for _ in self.convolutions)
        step = torch.zeros(batch_size, dtype=torch.int64, device=weight.device)
        return Convolving(windows, step, source.memory, source.real, uniform_weights(source))

    def step(
        self, x: Tensor, state: Convolving, masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, Convolving]:
        ys, after = self.scan(x[:, None], state, None, None)
        return masked(ys[:, 0], masks), after

    def scan(
        self, xs: Tensor, state: Convolving, lengths: Tensor | None, masks: Tensor | None
    ) -> tuple[Tensor, Convolving]:
        T = xs.shape[1]
        lengths = torch.full((len(xs),), T, device=xs.device) if lengths is None else lengths
        at = (state.step[:, None] + torch.arange(T, device=xs.device)).clamp(max=self.places.num_embeddings - 1)
        g = xs + self.places(at)
        h, windows, weights = self.entry(g), [], state.weights
        for layer in range(len(self.convolutions)):
            inputs = torch.cat([state.windows[layer], h], dim=1)  # [B, K-1+T, H]
            windows.append(_last(inputs, lengths, self.kernel - 1))
            v = F.glu(self.convolutions[layer](inputs.transpose(1, 2)).transpose(1, 2), dim=-1)
            c, read = self._attend(self.queries[layer](v) + g, state)
            h = (v + self.readers[layer](c) + h) * 0.5**0.5
            last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, read.shape[2])
            weights = torch.where((lengths > 0)[:, None], read.gather(1, last)[:, 0], state.weights)
        ys = torch.where(real_places(lengths, T)[:, :, None], masked(h, masks), 0)
        return ys, state._replace(windows=tuple(windows), step=state.step + lengths, weights=weights)

    def _attend(self, d: Tensor, state: Convolving) -> tuple[Tensor, Tensor]:
        """Read the source by queries [B, T, I]: contexts [B, T, I] and weights [B, T, S]."""
        z, e = state.memory.chunk(2, dim=-1)
        scores = torch.einsum("bti,bsi->bts", d, z)
        weights = self.attention(to_float32(scores).masked_fill(~state.real[:, None], -torch.inf).softmax(dim=-1))
        c = torch.einsum("bts,bsi->bti", weights.to(e.dtype), z + e)
        many = state.real.sum(dim=-1).to(c.dtype).sqrt()[:, None, None]
        return c * many, weights


def _last(inputs: Tensor, lengths: Tensor, count: int) -> Tensor:
    """Return the last inputs [B, count, H] of [B, count + T, H], where T is each row's length."""
    at = lengths[:, None] + torch.arange(count, device=inputs.device)
    return inputs.gather(1, at[:, :, None].expand(-1, -1, inputs.shape[2]))
