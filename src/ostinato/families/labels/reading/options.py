"""Options of reading labelled sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

from ostinato.codecs.labels import LabelUnit
from ostinato.data.frames import Frames
from ostinato.data.sound import LogMel


@dataclass(frozen=True)
class LabelReading:
    """Options for reading labelled sequences.

    Attributes:
        unit: Part of a target that is one label: all of it, each word, or each character.
        per_word: Whether each word of a source has its label.
        columns: Number of columns, from that of words on, that are read as input; for files of columns.
        words: The column of words there, by number or name; empty: the first one, or FORM.
        tags: The column of labels there; empty: the last one, or UPOS.
        frame: Number of values in a frame, if longer frames are to be cut; ``None``: frames stay as they are.
        sound: Conversion of sound into frames.
        stack: Number of frames that make up one place for unaligned labels; ``None``: labels have their places.
    """

    unit: LabelUnit
    per_word: bool = False
    columns: int = 1
    words: str = ""
    tags: str = ""
    frame: int | None = None
    sound: LogMel = field(default_factory=LogMel)
    stack: int | None = None

    def cut(self, frames: Frames) -> Frames:
        """Cut frames to the width ``frame``, if one is set."""
        return frames if self.frame is None else frames.cut(self.frame)
