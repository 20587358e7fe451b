"""Dynamic evaluation: a network that goes on learning from the text it reads, in the order it reads it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.cores.state import detach
from ostinato.data import Encoded, cut_window
from ostinato.models.symbol_model import SymbolModel
from ostinato.training.adaptation import Adaptation

_FIRST_SEGMENTS = 20  # from which only the usual size of gradients is learned
_FLOOR = 0.3  # of the mean size of a gradient is added to each: so a weight hardly ever used makes no leaps


@dataclass(frozen=True)
class Segment:
    """Symbols and their predictions, from before anything was learned from them.

    Attributes:
        ids: The symbols, [N].
        outputs: Output of the network's last layer at each, [N, H].
        log_probs: Natural log-probability of every symbol at each, given all before, [N, V].
    """

    ids: NDArray[np.int64]
    outputs: NDArray[np.float32]
    log_probs: NDArray[np.float32]

    @property
    def of_ids(self) -> NDArray[np.float32]:
        """Natural log-probability of each symbol that came, [N]."""
        log_probs: NDArray[np.float32] = self.log_probs[np.arange(len(self.ids)), self.ids]
        return log_probs


class Adapter:
    """A network that reads texts a segment at a time, and after each moves its weights against the gradient.

    With g the gradient of a segment's mean loss, theta_0 the trained weights, and m the mean of g^2 over all segments
    so far:

        sgd:  theta -= rate * g                        theta += decay * (theta_0 - theta)
        rms:  theta -= rate * g / (sqrt(m) + e)        theta += min(1, decay * sqrt(m) / r) * (theta_0 - theta)

    where r is the mean of sqrt(m) over all weights and e = 0.3 r. Krause et al. take m from the training text; here it
    comes from the text that is read, so a model needs only its weights, and the first 20 segments change none of them.

    Args:
        network: Network to start from; it is copied and stays as it is.
        adaptation: Settings of the adaptation.

    Attributes:
        network: The network, adapted so far.

    Source: Mikolov et al. 2010 (dynamic evaluation); Krause et al. 2018, arXiv:1709.07432, eq. 3-7.
    """

    def __init__(self, network: SymbolModel, adaptation: Adaptation) -> None:
        # cuDNN differentiates in training mode only; there is no dropout in a network to be switched on by it.
        self.network = copy.deepcopy(network).train()
        self._how = adaptation
        self._weights: list[Tensor] = list(self.network.parameters())
        self._trained = [weight.detach().clone() for weight in self._weights]
        self._squares = [torch.zeros_like(weight) for weight in self._weights]
        self._segments, self._first = 0, _FIRST_SEGMENTS
        self._state: Any = None
        self._before = network.symbols

    def begin(self) -> None:
        """Start a new text, without context. What was learned stays."""
        self._state, self._before = None, self.network.symbols

    def look_ahead(self, segments: Iterator[Segment]) -> None:
        """Estimate the usual size of gradients from the first segments of a text that is then read from its start.

        Use it to adapt to a text, never to measure on it.
        """
        for _ in itertools.islice(segments, self._first):
            pass
        self._first = self._segments
        self.begin()

    def read(self, ids: NDArray[Any]) -> Iterator[Segment]:
        """Yield the segments of symbols [N] that follow those read before."""
        for start in range(0, len(ids), self._how.segment):
            targets = np.asarray(ids[start : start + self._how.segment], dtype=np.int64)
            inputs = np.concatenate([[self._before], targets[:-1]])
            self._before = int(targets[-1])
            yield self._segment(inputs[None], targets[None], np.array([len(targets)]))

    def read_items(self, texts: Encoded) -> Iterator[Segment]:
        """Yield the segments of items, each read from a fresh state: several short items share a segment."""
        first, lengths, most = 0, texts.lengths, self._how.segment
        while first < texts.texts:
            self.begin()
            last = first + 1
            if lengths[first] > most:
                yield from self.read(texts.ids[texts.offsets[first] : texts.offsets[last]])
            else:
                while last < texts.texts and texts.offsets[last + 1] - texts.offsets[first] <= most:
                    last += 1
                longest = int(lengths[first:last].max())
                batch = cut_window(texts, np.arange(first, last), self.network.symbols, 0, longest)
                yield self._segment(batch.inputs, batch.targets, lengths[first:last])
            first = last

    def _segment(self, inputs: NDArray[np.int64], targets: NDArray[np.int64], lengths: NDArray[np.int64]) -> Segment:
        network, learns = self.network, self._how.used_rate > 0
        places = torch.from_numpy(lengths)
        real = torch.arange(inputs.shape[1]) < places[:, None]
        ids = torch.from_numpy(targets)[real]
        to = self._weights[0].device
        with torch.set_grad_enabled(learns):
            y, state = network.output(torch.from_numpy(inputs).to(to), self._state, lengths=places.to(to))
            outputs = y[real.to(to)]  # [N, H]
            log_probs = network.head.log_probs(outputs)
            # A short segment weighs less.
            loss = -log_probs.gather(1, ids[:, None].to(to)).sum() / self._how.segment
        self._state = detach(state)
        segment = Segment(ids.numpy(), outputs.detach().float().cpu().numpy(), log_probs.detach().cpu().numpy())
        if learns:
            self._learn(torch.autograd.grad(loss, self._weights))
        return segment

    @torch.no_grad()
    def _learn(self, gradients: tuple[Tensor, ...]) -> None:
        rate, decay = self._how.used_rate, self._how.decay
        if self._how.method == "sgd":
            torch._foreach_add_(self._weights, gradients, alpha=-rate)
            torch._foreach_lerp_(self._weights, self._trained, decay)
            return
        self._segments += 1
        torch._foreach_lerp_(self._squares, torch._foreach_mul(gradients, gradients), 1 / self._segments)
        if self._segments <= self._first:
            return
        sizes = torch._foreach_sqrt(self._squares)
        mean = sum(float(size.sum()) for size in sizes) / sum(size.numel() for size in sizes)
        if mean == 0:
            return
        torch._foreach_addcdiv_(self._weights, gradients, torch._foreach_add(sizes, _FLOOR * mean), value=-rate)
        back = torch._foreach_mul(sizes, decay / mean)
        torch._foreach_clamp_max_(back, 1.0)
        torch._foreach_lerp_(self._weights, self._trained, back)
