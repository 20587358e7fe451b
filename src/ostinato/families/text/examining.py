"""Looking closely at a text: what a model expected everywhere, what surprised it, and two models side by side."""

from __future__ import annotations

import codecs
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ostinato.errors import ConfigError
from ostinato.families.text.results import Score, ScoredPart, Unit
from ostinato.units import bits


@dataclass(frozen=True)
class ExaminedSymbol:
    """One symbol of a text, and what the model expected in its place.

    Attributes:
        part: The symbol.
        rank: Its place among all symbols by probability; 1 is the most probable.
        entropy: How unsure the model was, in bits.
        alternatives: The most probable symbols there, best first: text and natural log-probability.
    """

    part: ScoredPart
    rank: int
    entropy: float
    alternatives: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Examination:
    """A text, symbol by symbol.

    Attributes:
        score: How probable it is.
        symbols: What was expected at each of its symbols.
    """

    score: Score
    symbols: Sequence[ExaminedSymbol]


@dataclass(frozen=True)
class Surprise:
    """A part of a text that surprised the model.

    Attributes:
        part: The part.
        start: The number of its first character in the text.
        before: What stands before it, at most 40 characters.
    """

    part: ScoredPart
    start: int
    before: str


@dataclass(frozen=True)
class Compared:
    """A part of a text under two models.

    Attributes:
        text: The part.
        first: Its natural log-probability under the first model.
        second: Its natural log-probability under the second model.
    """

    text: str
    first: float
    second: float

    @property
    def gain(self) -> float:
        """By how many bits the first model finds it more probable."""
        return bits(self.first - self.second)


def most_surprising(score: Score, unit: Unit, count: int) -> list[Surprise]:
    """Return the parts of a text that surprise most, by bits per symbol on average.

    Places are those in the text as the codec gives it back, which is the text itself unless the codec says otherwise.

    Args:
        score: The text.
        unit: What counts as a part.
        count: How many.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    found, text = [], ""
    for part in score.per(unit):
        found.append(Surprise(part, len(text), text[-40:]))
        text += decoder.decode(part.data)
    return sorted(found, key=lambda surprise: -surprise.part.bits_per_symbol)[:count]


def compare(first: Score, second: Score, unit: Unit) -> list[Compared]:
    """Put two models' scores of one text side by side, part by part; the end of an item is left out.

    Raises:
        ConfigError: The models cut the text into different parts.
    """
    pairs = [[part for part in score.per(unit) if not part.is_end] for score in (first, second)]
    if [part.data for part in pairs[0]] != [part.data for part in pairs[1]]:
        raise ConfigError(
            f"the two models' symbols do not make up the same {unit}s of this text; compare them by a larger part, "
            "such as line"
        )
    return [Compared(a.text, a.log_prob, b.log_prob) for a, b in zip(*pairs, strict=True)]


def alternatives_told(symbol: ExaminedSymbol) -> str:
    """Say in one line what was expected."""
    told = ", ".join(f"{_shown(text)} {math.exp(log_prob):.1%}" for text, log_prob in symbol.alternatives)
    return f"rank {symbol.rank}, entropy {symbol.entropy:.2f} bits; expected: {told}"


def _shown(text: str) -> str:
    return repr(text)[1:-1] if text.strip() else repr(text)
