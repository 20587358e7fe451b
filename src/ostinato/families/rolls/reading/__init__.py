"""Reading piano rolls: from MIDI files, arrays, and the papers' data sets with their splits."""

from ostinato.families.rolls.reading.corpus import read_rolls
from ostinato.families.rolls.reading.options import PARTS, RollReading

__all__ = ["PARTS", "RollReading", "read_rolls"]
