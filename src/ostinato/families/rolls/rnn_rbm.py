"""RNN-RBM: a restricted Boltzmann machine for each frame, whose biases follow the frames before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.config import out_of_range
from ostinato.families.recipe import Budget, Recipe
from ostinato.families.rolls.family import ROLLS
from ostinato.families.rolls.reading.files import MATLAB, MIDI
from ostinato.families.rolls.settings import RollSettings, sizes_for
from ostinato.families.settings import WIDEST
from ostinato.units import Bound

if TYPE_CHECKING:
    from ostinato.families.rolls.heads.base import RollHead

_MOST_STEPS = 1000
_SHORT = 10  # minutes


@dataclass(frozen=True)
class RbmSettings(RollSettings):
    """Settings of an RNN-RBM: those of every model of rolls, and two more.

    Attributes:
        rbm_size: Number of hidden units of the machine.
        gibbs: Steps k of contrastive divergence in training.
    """

    bound: ClassVar[Bound] = "estimate"
    rbm_size: int = 150
    gibbs: int = 15

    def own_problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield out_of_range("rbm_size", self.rbm_size, least=1, most=WIDEST)
        yield out_of_range("gibbs", self.gibbs, least=1, most=_MOST_STEPS)

    def build_head(self, size: int) -> RollHead:
        """Build the distribution over frames."""
        from ostinato.families.rolls.heads.rbm import RbmHead

        return RbmHead(size, self.notes, hidden=self.rbm_size, gibbs=self.gibbs)


def sizes(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes as for every model of rolls: of little time fewer steps of sampling, each of fewer units.

    Few frames are validated on, as each has a ln Z to be estimated.
    """
    short = {"gibbs": 4, "rbm_size": 100} if budget.usual_minutes < _SHORT else {}
    return {**sizes_for(budget, given), **short, "valid_symbols": 4_000}


RECIPE = Recipe(
    name="rnn-rbm",
    summary="polyphonic music, a restricted Boltzmann machine for each frame; its likelihood is estimated",
    source="Boulanger-Lewandowski, Bengio and Vincent 2012, arXiv:1206.6392",
    settings=RbmSettings,
    family=ROLLS,
    sizes_for=sizes,
    endings=(*MIDI, MATLAB),
)
