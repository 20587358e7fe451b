"""The dynamic protocol: a model measured while it adapts to what it has read, perhaps mixed with other opinions."""

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
    found: NDArray[np.float32] = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    return found


class Expert(Protocol):
    """Another opinion on the next symbol, which learns from what comes."""

    def __call__(self, segment: Segment) -> NDArray[np.float64]:
        """Return the log-probability of every symbol at each place, [N, V], and learn after that."""


@dataclass(frozen=True)
class ByCounts:
    """A model of counts."""

    model: CountModel

    def __call__(self, segment: Segment) -> NDArray[np.float64]:
        return self.model.log_probs(segment.ids)


@dataclass(frozen=True)
class ByCache:
    """A neural cache."""

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
    """Read a text once from start to end, and learn from each symbol as soon as it is predicted.

    Numbers of this protocol stand beside those of static ones and are not comparable with them: the model may use
    all of the text before a symbol to change itself.

    Args:
        model: The model; it is copied and stays as it is.
        text: One text, or items.
        adaptation: How to adapt.
        counts: A model of counts that has learned from what it shall know, if the adaptation has one; it learns more.
        items: Whether the texts are items.
        characters: How many characters the text has.
        tick: Told of progress.
    """
    found = np.empty(len(text.ids))
    done = 0
    for values in adapted_log_probs(model, text, adaptation, counts=counts, items=items):
        found[done : done + len(values)] = values
        done += len(values)
        if tick is not None:
            tick(done, len(found))
    if items:
        totals = -np.add.reduceat(found, text.offsets[:-1])
        return Losses("dynamic", totals, text.lengths, characters, text.texts)
    block = block_size(len(found))
    starts = np.arange(0, len(found), block)
    sizes = np.minimum(block, len(found) - starts)
    return Losses("dynamic", -np.add.reduceat(found, starts), sizes, characters, len(starts))


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
