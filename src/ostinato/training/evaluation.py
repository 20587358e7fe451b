"""Evaluation protocols: the loss of a model on a text, with its standard error, in float32."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Encoded
from ostinato.decode.scoring import ITEMS, log_probs_of, rows_at_once, running_log_probs, window_log_probs
from ostinato.decode.shards import Shard
from ostinato.errors import ConfigError
from ostinato.models.symbol_model import SymbolModel
from ostinato.units import Bound, bits, describe_bound, perplexity

Protocol: TypeAlias = Literal["contiguous", "windows", "items", "dynamic"]
Ticker: TypeAlias = Callable[[int, int], None]  # symbols done, symbols in all

_WORDS = "what white space separates, and every line end or end of an item"
_BLOCK = 1000  # symbols of a bootstrap block: longer than what neighbouring losses share
_LEAST_BLOCKS, _MOST_BLOCKS = 20, 2000
_RESAMPLES = 1000
_WINDOW = 256


@dataclass(frozen=True)
class Evaluation:
    """A model's loss on a text.

    Attributes:
        protocol: Protocol of the measurement; numbers of different protocols are not comparable.
        symbols: Number of predictions averaged.
        characters: Number of characters of text that these predictions make up; ``None``: symbols do not give the text
            back, so a loss per character means nothing.
        nats_per_symbol: Mean of -ln P(symbol | what came before).
        standard_error: Standard error of that mean, in nats per symbol.
        words: Number of words of text that they make up, for a model of words; see ``perplexity_per_word``.
        bound: Whether the probabilities are the model's own, lower bounds, or estimates.
    """

    protocol: Protocol
    symbols: int
    characters: int | None
    nats_per_symbol: float
    standard_error: float
    words: int | None = None
    bound: Bound = "exact"

    @property
    def notes(self) -> tuple[str, ...]:
        """Further notes for the user."""
        return ()

    @property
    def bits_per_symbol(self) -> float:
        """Mean loss in bits per symbol."""
        return bits(self.nats_per_symbol)

    @property
    def perplexity(self) -> float:
        """Perplexity per symbol, the exponential of the mean loss in nats."""
        return perplexity(self.nats_per_symbol)

    @property
    def bits_per_character(self) -> float | None:
        """Loss in bits per character, which makes models with different symbols comparable."""
        return None if self.characters is None else self.bits_per_symbol * self.symbols / self.characters

    @property
    def perplexity_per_word(self) -> float | None:
        """Perplexity per word, as papers count words: white space separates them, and a line end is one."""
        return None if not self.words else perplexity(self.nats_per_symbol * self.symbols / self.words)

    def plain(self) -> dict[str, Any]:
        """Return the evaluation as plain data."""
        return {
            "protocol": self.protocol,
            "symbols": self.symbols,
            "nats_per_symbol": self.nats_per_symbol,
            "bits_per_symbol": self.bits_per_symbol,
            "perplexity": self.perplexity,
            "standard_error": self.standard_error,
            "bits_per_character": self.bits_per_character,
            "words": self.words,
            "perplexity_per_word": self.perplexity_per_word,
            "bound": self.bound,
        }

    def describe(self) -> str:
        """Return the losses as a line of text, with another one for words."""
        beside = [describe_bound(self.bound), f"{self.symbols:,} symbols"]
        if self.bits_per_character is not None:
            beside.append(f"{self.bits_per_character:.4f} bits per character")
        told = (
            f"{self.protocol}: {self.nats_per_symbol:.4f} ± {self.standard_error:.4f} nats per symbol, "
            f"{self.bits_per_symbol:.4f} bits per symbol, perplexity {self.perplexity:.3f} ({'; '.join(beside)})"
        )
        if self.perplexity_per_word is None:
            return told
        return f"{told}\nperplexity per word {self.perplexity_per_word:.3f} ({self.words:,} words: {_WORDS})"


@dataclass(frozen=True)
class Losses:
    """Losses of an evaluation, or of one shard of it; joined, shards give exactly the losses of the whole.

    Attributes:
        protocol: Protocol of the measurement.
        totals: Summed loss of each block, window or item, in nats.
        counts: Number of predictions in each of them.
        characters: Number of characters of text in all shards; ``None``: see ``Evaluation``.
        everything: Number of blocks, windows or items in all shards.
        first: Number of the first block, window or item of this shard.
        overlap: Number of times that each symbol is read on average, where windows overlap: so much larger is the
            variance of their mean than if they did not.
        job: Digest of model, text and settings: shards of another job do not join.
        words: Number of words in all shards, for a model of words.
        bound: Whether the probabilities are the model's own, lower bounds, or estimates.
    """

    protocol: Protocol
    totals: NDArray[np.float64]
    counts: NDArray[np.int64]
    characters: int | None
    everything: int
    first: int = 0
    job: str = ""
    overlap: float = 1.0
    words: int | None = None
    bound: Bound = "exact"

    @property
    def notes(self) -> tuple[str, ...]:
        """Further notes for the user."""
        return ()

    def plain(self) -> dict[str, Any]:
        """Return the losses as plain data, which ``from_plain`` reads."""
        return {
            "protocol": self.protocol,
            "job": self.job,
            "overlap": self.overlap,
            "first": self.first,
            "everything": self.everything,
            "characters": self.characters,
            "words": self.words,
            "bound": self.bound,
            "totals": self.totals.tolist(),
            "counts": self.counts.tolist(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Losses:
        """Return the losses that ``plain`` gave.

        Raises:
            KeyError: A value is missing; ``ValueError``, ``TypeError``: a value is not such a number.
        """
        totals, counts = np.array(plain["totals"], dtype=np.float64), np.array(plain["counts"], dtype=np.int64)
        about = (plain["characters"], plain["everything"], plain["first"], plain["job"], plain["overlap"])
        return cls(plain["protocol"], totals, counts, *about, plain["words"], plain["bound"])

    def describe(self) -> str:
        """Return the evaluation of these losses as text, as if there were no other shards."""
        return self.evaluation().describe()

    def evaluation(self) -> Evaluation:
        """Return the mean and its standard error, by a bootstrap over blocks, windows or items."""
        symbols = int(self.counts.sum())
        # The mean is over symbols, so sums and counts are drawn together.
        error = _bootstrap(self.totals, self.counts.astype(np.float64)) * math.sqrt(max(1.0, self.overlap))
        mean = float(self.totals.sum() / symbols)
        return Evaluation(self.protocol, symbols, self.characters, mean, error, self.words, self.bound)


def join_losses(shards: Sequence[Losses]) -> Losses:
    """Join the shards of one evaluation.

    Raises:
        ConfigError: A shard is missing, or is of another evaluation.
    """
    if len({(shard.job, shard.protocol, shard.characters, shard.words, shard.everything) for shard in shards}) > 1:
        raise ConfigError("these shards do not join: they are of different models, texts or settings")
    # A shard that had nothing to do begins where the next one does.
    ordered = sorted(shards, key=lambda shard: (shard.first, len(shard.totals)))
    at = 0
    for shard in ordered:
        if shard.first != at and len(shard.totals):
            raise ConfigError(f"these shards do not join: part {at:,} of {shard.everything:,} is missing or doubled")
        at += len(shard.totals)
    if at != ordered[0].everything:
        raise ConfigError(f"these shards do not join: there are {at:,} parts of {ordered[0].everything:,}")
    totals = np.concatenate([shard.totals for shard in ordered])
    counts = np.concatenate([shard.counts for shard in ordered])
    one = ordered[0]
    return Losses(
        one.protocol, totals, counts, one.characters, at, overlap=one.overlap, words=one.words, bound=one.bound
    )


def contiguous(model: SymbolModel, text: Encoded, *, characters: int, tick: Ticker | None = None) -> Losses:
    """Score every symbol of a text once, read from start to end with the state carried all the way.

    The parts are blocks of 1,000 symbols or more, as neighbouring losses are not independent.
    """
    symbols = len(text.ids)
    block = block_size(symbols)
    blocks = -(-symbols // block)
    totals, done = np.zeros(blocks), 0
    for values in running_log_probs(model, [text.ids]):
        places = np.arange(done, done + len(values)) // block
        totals += np.bincount(places, weights=-values.astype(np.float64), minlength=blocks)
        done += len(values)
        if tick is not None:
            tick(done, symbols)
    counts = np.minimum(block, symbols - block * np.arange(blocks))
    return Losses("contiguous", totals, counts, characters, blocks)


def block_size(symbols: int) -> int:
    """Return the number of symbols in a bootstrap block of a running text."""
    return max(1, min(_BLOCK, symbols // _LEAST_BLOCKS), symbols // _MOST_BLOCKS)


def windows(
    model: SymbolModel,
    text: Encoded,
    *,
    characters: int,
    count: int,
    seed: int,
    shard: Shard | None = None,
    tick: Ticker | None = None,
) -> Losses:
    """Average over random windows of 256 symbols, each read from a fresh state: nanoGPT's protocol.

    As there, the symbol before a window is given and every position counts, so the first ones have
    hardly any context. Our model reads its begin symbol before that; it holds no information.

    Args:
        model: The model.
        text: One text of at least 257 symbols.
        characters: Number of characters of the text.
        count: Number of windows to draw.
        seed: Seed that chooses the windows.
        shard: Part of the windows to measure; ``None``: all.
        tick: Called with the symbols done and in all.

    Raises:
        ConfigError: The text is too short for a window.

    Source: karpathy/nanoGPT, train.py, ``estimate_loss``.
    """
    symbols = len(text.ids)
    if symbols <= _WINDOW:
        raise ConfigError(
            f"the windows protocol needs more than {_WINDOW} symbols, the text has {symbols}; use --protocol contiguous"
        )
    starts = np.random.default_rng(seed).integers(0, symbols - _WINDOW, size=count)
    totals = []
    # Shards are whole groups, so that every group is computed in the same way whoever does it.
    groups = range(0, count, rows_at_once(model, _WINDOW + 1))
    mine = (shard or Shard()).of(groups)
    for first in mine:
        at = starts[first : first + groups.step, None] + np.arange(_WINDOW + 1)
        rows = text.ids[at].astype(np.int64)  # [B, 257]
        inputs = np.concatenate([np.full((len(rows), 1), model.symbols), rows[:, :-1]], axis=1)
        values, _ = window_log_probs(model, inputs, rows, None, None)
        totals.append(-values[:, 1:].sum(axis=1, dtype=np.float64))
        if tick is not None:
            tick((first - mine.start) * _WINDOW, len(mine) * groups.step * _WINDOW)
    losses = np.concatenate([np.zeros(0), *totals])
    share = round(count * _WINDOW * characters / symbols)
    first, overlap = min(mine.start, count), count * _WINDOW / symbols
    return Losses("windows", losses, np.full(len(losses), _WINDOW), share, count, first, overlap=overlap)


def items(
    model: SymbolModel, texts: Encoded, *, characters: int, shard: Shard | None = None, tick: Ticker | None = None
) -> Losses:
    """Score every item from a fresh state, its end symbol included."""
    blocks = range(0, texts.texts, ITEMS)
    mine = (shard or Shard()).of(blocks)
    first, last = min(mine.start, texts.texts), min(mine.stop, texts.texts)
    totals, done = np.zeros(last - first), 0
    symbols = int(texts.offsets[last] - texts.offsets[first])
    for start in mine:
        block = texts.part(start, min(start + ITEMS, last))
        for number, values in log_probs_of(model, block):
            totals[start - first + number] = -values.sum(dtype=np.float64)
            done += len(values)
            if tick is not None:
                tick(done, symbols)
    return Losses("items", totals, texts.lengths[first:last], characters, texts.texts, first)


def _bootstrap(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the bootstrap standard error of sum(values) / sum(weights)."""
    random = np.random.default_rng(0)
    means = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        drawn = random.integers(0, len(values), size=len(values))
        means[number] = values[drawn].sum() / weights[drawn].sum()
    return float(means.std(ddof=1))
