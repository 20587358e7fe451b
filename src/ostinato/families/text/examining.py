"""Examining a text: a model's expectations at each symbol, its surprises, and two models side by side."""

from __future__ import annotations

import codecs
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.codecs import Codec, Unknown
from ostinato.config import at_least
from ostinato.data import encode_texts
from ostinato.errors import ConfigError
from ostinato.families.text.results import Score, ScoredPart, Unit
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel


@dataclass(frozen=True)
class ExaminedSymbol:
    """One symbol of a text, and the symbols that the model expected in its place.

    Attributes:
        part: The symbol.
        rank: Its rank among all symbols by probability; 1 is the most probable.
        entropy: Entropy of the model's prediction, in bits.
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
        score: Score of the text.
        symbols: Its symbols, each with those expected in its place.
    """

    score: Score
    symbols: Sequence[ExaminedSymbol]


@dataclass(frozen=True)
class SurprisingPart:
    """A part of a text that surprised the model.

    Attributes:
        part: The part.
        start: The number of its first character in the text.
        before: Text before it, at most 40 characters.
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
        """Bits by which the first model finds it more probable."""
        return bits(self.first - self.second)


def examine(model: TextModel, text: str, alternatives: int, unknown: Unknown) -> Examination:
    """Examine a text; arguments and errors as for ``TextModel.examine``."""
    from ostinato.decode.scoring import places_of

    at_least("alternatives", alternatives, 1)
    adapted = model.codec.adapt(text, unknown)
    ids = encode_texts(model.codec, [adapted]).ids
    if not len(ids):
        raise ConfigError("there is nothing to score: the text is empty")
    places = places_of(model.network, ids, alternatives)
    score = model.scored(adapted, ids, places.log_probs, model.network.head.bound)
    symbols = [
        ExaminedSymbol(part, int(rank), bits(float(entropy)), _named(model.codec, best, best_log_probs))
        for part, rank, entropy, best, best_log_probs in zip(
            score.parts, places.ranks, places.entropies, places.best, places.best_log_probs, strict=True
        )
    ]
    return Examination(score, symbols)


def _named(codec: Codec, ids: np.ndarray[Any, Any], log_probs: np.ndarray[Any, Any]) -> list[tuple[str, float]]:
    pieces, end = codec.pieces, codec.end
    parts = [ScoredPart(pieces[i], v, 1, i == end) for i, v in zip(ids.tolist(), log_probs.tolist(), strict=True)]
    return [(part.text, part.log_prob) for part in parts]


def most_surprising(score: Score, unit: Unit, count: int) -> list[SurprisingPart]:
    """Return the most surprising parts of a text, by mean bits per symbol.

    Places are those in the decoded text, which is the text itself if the codec is lossless.

    Args:
        score: Score of the text.
        unit: Unit of the parts.
        count: Number of parts to return.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    surprises, text = [], ""
    for part in score.per(unit):
        surprises.append(SurprisingPart(part, len(text), text[-40:]))
        text += decoder.decode(part.data)
    return sorted(surprises, key=lambda surprise: -surprise.part.bits_per_symbol)[:count]


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
    """Describe in one line the symbols that were expected."""
    told = ", ".join(f"{_shown(text)} {math.exp(log_prob):.1%}" for text, log_prob in symbol.alternatives)
    return f"rank {symbol.rank}, entropy {symbol.entropy:.2f} bits; expected: {told}"


def _shown(text: str) -> str:
    return repr(text)[1:-1] if text.strip() else repr(text)
