"""Surprise of each bar of a tune to a model, in bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ostinato.families.text.model import TextModel
from ostinato.music.refilling import numbered_bars
from ostinato.music.tokens import token_places, tune_of
from ostinato.units import bits


@dataclass(frozen=True)
class TuneSurprise:
    """Surprise of a tune to a model, as a whole and bar by bar.

    Attributes:
        log_prob: Natural log-probability of its music, without title and header.
        tokens: Number of tokens of its music.
        bars: Number of each bar, as players count, and its surprise in bits, its bar line included.
    """

    log_prob: float
    tokens: int
    bars: tuple[tuple[int, float], ...]

    @property
    def bits_per_token(self) -> float:
        """Mean surprise of a token of the music, in bits."""
        return bits(-self.log_prob) / max(1, self.tokens)


def surprises(model: TextModel, tunes: Sequence[Sequence[str]]) -> list[TuneSurprise]:
    """Score tunes in tokens, headers included, in float32."""
    scores = model.score_many([" ".join(tokens) for tokens in tunes])
    return [
        _surprise(tokens, [part.log_prob for part in score.parts]) for tokens, score in zip(tunes, scores, strict=True)
    ]


def _surprise(tokens: Sequence[str], log_probs: Sequence[float]) -> TuneSurprise:
    tune = tune_of(tokens)
    places = token_places(tune)
    bars = [
        (number, bits(-sum(log_probs[places[bar.first] : places[bar.last] + 1])))
        for number, bar in numbered_bars(tune).items()
    ]
    music = log_probs[places[0] : places[-1]]
    return TuneSurprise(sum(music), len(music), tuple(bars))
