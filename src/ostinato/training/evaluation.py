"""Evaluation protocols: how good a model is on a text, with the uncertainty of that number, in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Encoded
from ostinato.decode.scoring import log_probs_of, rows_at_once, window_log_probs
from ostinato.decode.units import bits, perplexity
from ostinato.errors import ConfigError
from ostinato.models.language_model import LanguageModel

Protocol: TypeAlias = Literal["contiguous", "windows", "items"]
Ticker: TypeAlias = Callable[[int, int], None]  # symbols done, symbols in all

_CHUNK = 2048  # symbols in one call of the kernel
_BLOCK = 1000  # symbols of a bootstrap block: longer than what neighbouring losses share
_LEAST_BLOCKS = 20
_RESAMPLES = 1000
_WINDOW = 256


@dataclass(frozen=True)
class Evaluation:
    """A model's loss on a text.

    Attributes:
        protocol: How it was measured; numbers of different protocols are not comparable.
        symbols: How many predictions were averaged.
        characters: How many characters of text these predictions make up.
        nats_per_symbol: Mean of -ln P(symbol | what came before).
        standard_error: Of that mean, in nats per symbol.
    """

    protocol: Protocol
    symbols: int
    characters: int
    nats_per_symbol: float
    standard_error: float

    @property
    def bits_per_symbol(self) -> float:
        """The same mean with logarithms to base 2."""
        return bits(self.nats_per_symbol)

    @property
    def perplexity(self) -> float:
        """The exponential of the mean, per symbol."""
        return perplexity(self.nats_per_symbol)

    @property
    def bits_per_character(self) -> float:
        """What makes models with different symbols comparable."""
        return self.bits_per_symbol * self.symbols / self.characters


def contiguous(model: LanguageModel, text: Encoded, *, characters: int, tick: Ticker | None = None) -> Evaluation:
    """Read a text once from start to end, the state carried all the way; every symbol is scored once.

    The standard error is a block bootstrap's: blocks of 1,000 symbols are drawn anew 1,000 times, as
    neighbouring losses are not independent.
    """
    ids = text.ids.astype(np.int64)
    inputs = np.concatenate([[model.symbols], ids[:-1]])
    state: Any = None
    pieces = []
    for start in range(0, len(ids), _CHUNK):
        part = slice(start, start + _CHUNK)
        values, state = window_log_probs(model, inputs[None, part], ids[None, part], None, state)
        pieces.append(values[0])
        if tick is not None:
            tick(min(start + _CHUNK, len(ids)), len(ids))
    losses = -np.concatenate(pieces).astype(np.float64)
    block = max(1, min(_BLOCK, len(losses) // _LEAST_BLOCKS))
    whole = losses[: len(losses) // block * block].reshape(-1, block)
    return Evaluation("contiguous", len(losses), characters, float(losses.mean()), _bootstrap(whole.mean(axis=1)))


def windows(
    model: LanguageModel, text: Encoded, *, characters: int, count: int, seed: int, tick: Ticker | None = None
) -> Evaluation:
    """Average over random windows of 256 symbols, each read from a fresh state: nanoGPT's protocol.

    As there, the symbol before a window is given and every position counts, so the first ones have
    hardly any context. Our model reads its begin symbol before that; it holds no information.

    Args:
        model: The model.
        text: One text of at least 257 symbols.
        characters: How many characters the text has.
        count: How many windows to draw.
        seed: Chooses the windows.
        tick: Told of progress.

    Raises:
        ConfigError: The text is too short for a window.

    Source: karpathy/nanoGPT, train.py, ``estimate_loss``.
    """
    ids = text.ids.astype(np.int64)
    if len(ids) <= _WINDOW:
        raise ConfigError(
            f"the windows protocol needs more than {_WINDOW} symbols, the text has {len(ids)}; "
            "use --protocol contiguous"
        )
    starts = np.random.default_rng(seed).integers(0, len(ids) - _WINDOW, size=count)
    means = []
    side_by_side = rows_at_once(model, _WINDOW + 1)
    for first in range(0, count, side_by_side):
        at = starts[first : first + side_by_side, None] + np.arange(_WINDOW + 1)
        rows = ids[at]  # [B, 257]
        inputs = np.concatenate([np.full((len(rows), 1), model.symbols), rows[:, :-1]], axis=1)
        values, _ = window_log_probs(model, inputs, rows, None, None)
        means.append(-values[:, 1:].mean(axis=1, dtype=np.float64))
        if tick is not None:
            tick(min(first + side_by_side, count) * _WINDOW, count * _WINDOW)
    losses = np.concatenate(means)
    symbols = count * _WINDOW
    return Evaluation(
        "windows", symbols, round(symbols * characters / len(ids)), float(losses.mean()), _bootstrap(losses)
    )


def items(model: LanguageModel, texts: Encoded, *, characters: int, tick: Ticker | None = None) -> Evaluation:
    """Score every item from a fresh state, its end symbol included; the bootstrap draws items."""
    totals = np.zeros(texts.texts)
    done, symbols = 0, len(texts.ids)
    for number, values in log_probs_of(model, texts):
        totals[number] = -values.sum(dtype=np.float64)
        done += len(values)
        if tick is not None:
            tick(done, symbols)
    # The mean is over symbols, so the bootstrap resamples sums and lengths together.
    error = _bootstrap(totals, texts.lengths.astype(np.float64))
    return Evaluation("items", symbols, characters, float(totals.sum() / symbols), error)


def _bootstrap(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> float:
    """Standard error of sum(values) / sum(weights) when the values are drawn anew."""
    weights = np.ones_like(values) if weights is None else weights
    random = np.random.default_rng(0)
    means = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        drawn = random.integers(0, len(values), size=len(values))
        means[number] = values[drawn].sum() / weights[drawn].sum()
    return float(means.std(ddof=1))
