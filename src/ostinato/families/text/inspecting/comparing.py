"""Surprises of a text, and two models side by side."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from ostinato.errors import ConfigError
from ostinato.families.text.results import Score, ScoredPart, Unit
from ostinato.units import bits


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
