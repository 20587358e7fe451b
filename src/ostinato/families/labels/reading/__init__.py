"""Reading labelled sequences: lines, columns, lists of recordings, folders of classes, arrays."""

from ostinato.families.labels.reading.labelled import how_many, read_labelled, read_sequences
from ostinato.families.labels.reading.options import LabelReading
from ostinato.families.labels.reading.recordings import read_frames

__all__ = ["LabelReading", "how_many", "read_frames", "read_labelled", "read_sequences"]
