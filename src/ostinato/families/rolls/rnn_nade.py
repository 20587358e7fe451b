"""RNN-NADE: each note given the frames before and the notes above it; exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ostinato.config import out_of_range
from ostinato.families.recipe import Recipe
from ostinato.families.rolls.family import ROLLS
from ostinato.families.rolls.reading.files import MATLAB, MIDI
from ostinato.families.rolls.settings import RollSettings, sizes_for
from ostinato.families.settings import WIDEST

if TYPE_CHECKING:
    from ostinato.families.rolls.heads.base import RollHead


@dataclass(frozen=True)
class NadeSettings(RollSettings):
    """Settings of an RNN-NADE: those of every model of rolls, and one more.

    Attributes:
        conditional_size: Number of hidden units that carry the notes above to those below.
    """

    head: ClassVar[str] = "nade"
    conditional_size: int = 150

    def own_problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield out_of_range("conditional_size", self.conditional_size, least=1, most=WIDEST)

    def build_head(self, size: int) -> RollHead:
        """Build the distribution over frames."""
        from ostinato.families.rolls.heads.nade import NadeHead

        return NadeHead(size, self.notes, hidden=self.conditional_size)


RECIPE = Recipe(
    name="rnn-nade",
    summary="polyphonic music, each note given those above it and all frames before; exact",
    source="Boulanger-Lewandowski, Bengio and Vincent 2012, arXiv:1206.6392",
    settings=NadeSettings,
    family=ROLLS,
    sizes_for=sizes_for,
    endings=(*MIDI, MATLAB),
)
