"""Options of reading piano rolls."""

from __future__ import annotations

from dataclasses import dataclass

#: The parts of a data set with an official split.
PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class RollReading:
    """Options of reading piano rolls.

    Attributes:
        grid: Length of a frame of MIDI files, such as ``"8th"`` or ``"0.3s"``.
        lowest: Lowest note that is read, as a MIDI number.
        highest: Highest note that is read.
    """

    grid: str
    lowest: int
    highest: int

    @property
    def notes(self) -> int:
        """Number of notes N."""
        return self.highest - self.lowest + 1
