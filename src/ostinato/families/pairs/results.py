"""Results of models of pairs: targets found for sources, and the evaluation of a model."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.families.pairs.metrics import TextMetrics
from ostinato.units import Bound, bits, describe_bound


@dataclass(frozen=True)
class Translation:
    """A target that was found for a source.

    Attributes:
        source: The source.
        text: The target.
        log_prob: Natural log-probability, given the source; teacher-forced.
        rank: Score that the beam compared: ``log_prob``, or that with length normalisation.
        ended: Whether it ended within the length limit.
        source_symbols: The source, symbol by symbol.
        symbols: The target, symbol by symbol, its end included.
        attention: Attention weight of each source symbol for each target symbol, [T, S]; ``None``: the decoder has no
            attention, or it was not asked for.
    """

    source: str
    text: str
    log_prob: float
    rank: float
    ended: bool
    source_symbols: tuple[str, ...]
    symbols: tuple[str, ...]
    attention: NDArray[np.float64] | None

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "source": self.source, "text": self.text, "log_prob": self.log_prob, "rank": self.rank,
            "ended": self.ended, "source_symbols": self.source_symbols, "symbols": self.symbols,
            "attention": None if self.attention is None else self.attention.round(4).tolist(),
        }  # fmt: skip

    def describe(self) -> str:
        """Return the target."""
        return self.text


@dataclass(frozen=True)
class PairEvaluation:
    """Evaluation of a model on pairs.

    Attributes:
        pairs: Number of pairs.
        symbols: Number of target symbols, ends included.
        characters: Number of target characters.
        nats_per_symbol: Teacher-forced loss: every symbol is predicted from the true ones before it.
        metrics: Metrics of the texts that the model writes by itself.
        search: Search that found these.
        bound: Whether the teacher-forced loss is exact.
    """

    pairs: int
    symbols: int
    characters: int
    nats_per_symbol: float
    metrics: TextMetrics
    search: str = "greedy"
    bound: Bound = "exact"

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks to be shown beside it."""
        if self.metrics.bleu:
            return ()
        return ("BLEU counts runs of up to four words: it is 0 where no four in a row are right, as of short targets",)

    @property
    def perplexity(self) -> float:
        """Teacher-forced perplexity per symbol."""
        return math.exp(self.nats_per_symbol)

    @property
    def nats_per_character(self) -> float:
        """Teacher-forced loss per character, which is comparable between models with different symbols."""
        return self.nats_per_symbol * self.symbols / self.characters

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        own = {name: value for name, value in asdict(self).items() if name != "search"}
        return {**own, "perplexity": self.perplexity, "nats_per_character": self.nats_per_character}

    def describe(self) -> str:
        """Return the teacher-forced loss and the metrics, in lines."""
        metrics = self.metrics
        return (
            f"{self.pairs:,} pairs, {self.symbols:,} target symbols\n"
            f"teacher-forced: {self.nats_per_symbol:.4f} nats per symbol ({bits(self.nats_per_symbol):.4f} bits, "
            f"perplexity {self.perplexity:.3f}), {self.nats_per_character:.4f} nats per character "
            f"({describe_bound(self.bound)})\n"
            f"written by itself ({self.search}):\n"
            f"  exact match {metrics.exact:.2%}, character error {metrics.character_error:.2%}\n"
            f"  BLEU {metrics.bleu:.2f}  {metrics.bleu_signature}\n"
            f"  chrF {metrics.chrf:.2f}  {metrics.chrf_signature}"
        )
