"""What a model gives back: samples and scores, as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal


@dataclass(frozen=True)
class Sample:
    """A generated text.

    Attributes:
        text: What the model wrote; the prompt is not part of it.
        prompt: What it went on from.
        log_prob: Natural log of the model's own probability of the symbols written, whatever the rules did.
        symbols: How many symbols were written, an end symbol included.
        seed: With this seed and the same rules, one sample alone gives the same text. ``None`` for greedy search.
        finished: Whether it ended by itself (end symbol or stop string), not at the length limit.
    """

    text: str
    prompt: str
    log_prob: float
    symbols: int
    seed: int | None
    finished: bool


@dataclass(frozen=True)
class ScoredPart:
    """A symbol, a word or a line of a scored text.

    Attributes:
        text: The part, for people to read.
        log_prob: Natural log of its probability, given all before it.
        symbols: How many symbols it has.
    """

    text: str
    log_prob: float
    symbols: int

    @property
    def bits_per_symbol(self) -> float:
        """Mean surprise of the part's symbols."""
        return -self.log_prob / math.log(2) / max(1, self.symbols)


@dataclass(frozen=True)
class Score:
    """How probable a text is.

    Attributes:
        text: The text.
        log_prob: Natural log of its probability; of an item, with its end.
        symbols: How many symbols that is.
        parts: Each symbol's share.
        bound: Whether the number is the probability itself, a lower bound, or an estimate.
    """

    text: str
    log_prob: float
    symbols: int
    parts: Sequence[ScoredPart]
    bound: Literal["exact", "lower", "estimate"] = "exact"

    @property
    def nats_per_symbol(self) -> float:
        """Mean negative log-probability, natural."""
        return -self.log_prob / max(1, self.symbols)

    @property
    def bits_per_symbol(self) -> float:
        """The same with logarithms to base 2."""
        return self.nats_per_symbol / math.log(2)

    @property
    def perplexity(self) -> float:
        """The exponential of the mean, per symbol."""
        return math.exp(self.nats_per_symbol)

    def _repr_html_(self) -> str:
        """Show the text in a notebook: the redder a symbol's ground, the more it surprises (8 bits are full red)."""
        spans = (
            f'<span title="{part.bits_per_symbol:.2f} bits" '
            f'style="background: rgba(255, 60, 0, {min(1.0, part.bits_per_symbol / 8):.2f})">{escape(part.text)}</span>'
            for part in self.parts
        )
        return f'<pre style="white-space: pre-wrap">{"".join(spans)}</pre>'

    def per(self, unit: Literal["symbol", "word", "line"]) -> list[ScoredPart]:
        """Return the parts joined into words (with the white space before them) or lines (with their end)."""
        if unit == "symbol":
            return list(self.parts)
        groups: list[list[ScoredPart]] = []
        for part in self.parts:
            if not groups or _begins(unit, groups[-1], part):
                groups.append([])
            groups[-1].append(part)
        return [_joined(group) for group in groups]


def _begins(unit: str, group: list[ScoredPart], part: ScoredPart) -> bool:
    last = group[-1].text
    if part.text == "<end>":
        return True
    if unit == "line":
        return last.endswith("\n")
    return part.text[:1].isspace() and not last.isspace()


def _joined(group: list[ScoredPart]) -> ScoredPart:
    return ScoredPart(
        "".join(part.text for part in group), sum(part.log_prob for part in group), sum(part.symbols for part in group)
    )
