"""Notes that are independent given the past: what Chung et al. compare cores with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ostinato.families.recipe import Recipe
from ostinato.families.rolls.family import ROLLS
from ostinato.families.rolls.reading.files import MATLAB, MIDI
from ostinato.families.rolls.settings import RollSettings, sizes_for

if TYPE_CHECKING:
    from ostinato.families.rolls.heads.base import RollHead


@dataclass(frozen=True)
class BernoulliSettings(RollSettings):
    """Settings of a model whose notes are independent given the past: those of every model of rolls."""

    head: ClassVar[str] = "independent"

    def build_head(self, size: int) -> RollHead:
        """Build the distribution over frames."""
        from ostinato.families.rolls.heads.independent import IndependentHead

        return IndependentHead(size, self.notes)


RECIPE = Recipe(
    name="rnn-bernoulli",
    summary="polyphonic music, each note by itself given all frames before",
    source="Chung, Gulcehre, Cho and Bengio 2014, arXiv:1412.3555",
    settings=BernoulliSettings,
    family=ROLLS,
    sizes_for=sizes_for,
    endings=(*MIDI, MATLAB),
)
