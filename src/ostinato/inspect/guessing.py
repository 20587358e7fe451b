"""The view of guesses: what a model expected at every place of a sequence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostinato.inspect.views import Coloured, View, cut_note, visible
from ostinato.units import bits

_FULL = 8.0  # bits that are shown in the fullest colour


@dataclass(frozen=True)
class ExpectedSymbol:
    """One symbol of a sequence, and the symbols that the model expected in its place.

    Attributes:
        text: The symbol.
        log_prob: Its natural log-probability, given all before it.
        rank: Its rank among all symbols by probability; 1 is the most probable.
        entropy: Entropy of the model's prediction, in bits.
        alternatives: The most probable symbols there, best first: text and natural log-probability.
        removed: Share of the probability that rules would leave out; ``None``: no rules are on, or the text has broken
            a constraint before.
    """

    text: str
    log_prob: float
    rank: int
    entropy: float
    alternatives: Sequence[tuple[str, float]]
    removed: float | None = None

    @property
    def bits(self) -> float:
        """Its surprise."""
        return bits(-self.log_prob)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        guesses = [{"text": text, "probability": math.exp(value)} for text, value in self.alternatives]
        own = {"text": self.text, "log_prob": self.log_prob, "rank": self.rank, "entropy_bits": self.entropy}
        return {**own, **({} if self.removed is None else {"removed": self.removed}), "guesses": guesses}


def text_facts(symbols: Sequence[ExpectedSymbol]) -> dict[str, Any]:
    """Return what pages tell of symbols: their texts, the bits and rank of each, and the guesses."""
    removed = [one.removed for one in symbols]
    return {
        "symbols": [one.text for one in symbols],
        "expected": [[round(one.bits, 4), one.rank] for one in symbols],
        "entropies": [round(one.entropy, 4) for one in symbols],
        "guesses": [[[name, round(math.exp(value), 4)] for name, value in one.alternatives] for one in symbols],
        **({} if None in removed else {"removed": [round(float(one or 0.0), 5) for one in removed]}),
    }


def guesses_view(symbols: Sequence[ExpectedSymbol], facts: Mapping[str, Any]) -> View:
    """Return the view of what was expected at every place; ``facts`` are those of its beginning, for a page."""
    ruled = bool(symbols) and symbols[0].removed is not None

    def row(one: ExpectedSymbol) -> tuple[str, ...]:
        told = "  ".join(f"{visible(text)} {math.exp(value):.1%}" for text, value in one.alternatives)
        removed = ("–" if one.removed is None else f"{one.removed:.2%}",) if ruled else ()
        numbers = (f"{one.log_prob:.4f}", str(one.rank), f"{one.entropy:.3f}", *removed)
        return (*numbers, visible(one.text), told)

    surprise = np.array([one.bits for one in symbols]) / _FULL
    return View(
        name="guesses",
        title="Guesses",
        columns=("log_prob", "rank", "entropy_bits", *(["removed"] if ruled else []), "text", "guesses"),
        rows=lambda: map(row, symbols),
        objects=lambda: (one.plain() for one in symbols),
        coloured=(Coloured("surprise", [one.text for one in symbols], np.minimum(1.0, surprise), "heat"),),
        facts={"text": facts},
        notes=cut_note(len(symbols)),
    )
