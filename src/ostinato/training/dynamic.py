"""The dynamic protocol: a model measured while it adapts to the text it reads, alone or mixed with other experts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data import Encoded
from ostinato.decode.mixing import Mixture, NeuralCache
from ostinato.engine.counting import CountModel
from ostinato.models.symbol_model import SymbolModel
from ostinato.training.adaptation import Adaptation
from ostinato.training.adapting import Adapter, Segment
from ostinato.training.evaluation import Losses, Ticker, block_size


def _product(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    product: NDArray[np.float32] = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    return product


class Expert(Protocol):
    """Another model of the next symbol, which learns from each segment."""

    def __call__(self, segment: Segment) -> NDArray[np.float64]:
        """Return the log-probability of every symbol at each place, [N, V], then learn from the segment."""


@dataclass(frozen=True)
class ByCounts:
    """A model of counts as an expert."""

    model: CountModel

    def __call__(self, segment: Segment) -> NDArray[np.float64]:
        return self.model.log_probs(segment.ids)


@dataclass(frozen=True)
class ByCache:
    """A neural cache as an expert."""

    cache: NeuralCache

    def __call__(self, segment: Segment) -> NDArray[np.float64]:
        return self.cache.log_probs(segment.outputs, segment.ids)


def dynamic(
    model: SymbolModel,
    text: Encoded,
    adaptation: Adaptation,
    *,
    counts: CountModel | None,
    items: bool,
    characters: int,
    tick: Ticker | None = None,
) -> Losses:
    """Measure a text, read once from start to end, learning from its symbols as soon as they are predicted.

    Numbers of this protocol stand beside those of static ones and are not comparable with them: the model may use
    all of the text before a symbol to change itself.

    Args:
        model: The model; it is copied and stays as it is.
        text: One text, or items.
        adaptation: Settings of the adaptation.
        counts: A model of counts, already trained, if the adaptation has one; it goes on learning.
        items: Whether the texts are items.
        characters: Number of characters of the text.
        tick: Called with the symbols done and in all.
    """
    log_probs = np.empty(len(text.ids))
    done = 0
    for values in adapted_log_probs(model, text, adaptation, counts=counts, items=items):
        log_probs[done : done + len(values)] = values
        done += len(values)
        if tick is not None:
            tick(done, len(log_probs))
    if items:
        totals = -np.add.reduceat(log_probs, text.offsets[:-1])
        return Losses("dynamic", totals, text.lengths, characters, text.texts)
    block = block_size(len(log_probs))
    starts = np.arange(0, len(log_probs), block)
    sizes = np.minimum(block, len(log_probs) - starts)
    return Losses("dynamic", -np.add.reduceat(log_probs, starts), sizes, characters, len(starts))


def adapted_log_probs(
    model: SymbolModel, text: Encoded, adaptation: Adaptation, *, counts: CountModel | None, items: bool
) -> Iterator[NDArray[np.float64]]:
    """Yield the log-probabilities of a text's symbols, a segment at a time; arguments as of ``dynamic``."""
    adapter = Adapter(model, adaptation)
    experts: list[Expert] = []
    if counts is not None:
        experts.append(ByCounts(counts))
    if adaptation.cache:
        experts.append(ByCache(NeuralCache(model.symbols, size=adaptation.cache, product=_product)))
    mixture = Mixture(1 + len(experts))
    for segment in adapter.read_items(text) if items else adapter.read(text.ids):
        if not experts:
            yield segment.of_ids.astype(np.float64)
            continue
        opinions = [expert(segment) for expert in experts]
        yield mixture.read(np.stack([segment.log_probs, *opinions]), segment.ids)
