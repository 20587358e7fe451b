"""Note recurrence: each note given the frames before, and the notes above it by a second core along pitch; exact."""

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
class NoteSettings(RollSettings):
    """Settings of a note recurrence: those of every model of rolls, and two more.

    Attributes:
        pitch_size: Width of the core along pitch.
        features: Number of numbers that the core along time says to each note.
    """

    head: ClassVar[str] = "recurrent"
    pitch_size: int = 64
    features: int = 16

    def own_problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield out_of_range("pitch_size", self.pitch_size, least=1, most=WIDEST)
        yield out_of_range("features", self.features, least=1, most=WIDEST)

    def build_head(self, size: int) -> RollHead:
        """Build the distribution over frames."""
        from ostinato.families.rolls.heads.recurrent import NoteRecurrence

        return NoteRecurrence(
            size, self.notes, core=self.core, units=self.pitch_size, features=self.features, dropout=self.dropout
        )


RECIPE = Recipe(
    name="note-lstm",
    summary="polyphonic music, each note by a core along pitch, given those above it and all frames before; exact",
    source="Johnson 2017, EvoMUSART: the idea of two axes, time and pitch",
    settings=NoteSettings,
    family=ROLLS,
    sizes_for=sizes_for,
    endings=(*MIDI, MATLAB),
)
