"""Facts about piano rolls: how many notes sound together, which, how often frames repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ostinato.music.rolls import LOWEST, Frames

_OCTAVE = 12
_CHORDS = 8  # that are listed


@dataclass(frozen=True)
class Facts:
    """Facts about rolls.

    Attributes:
        pieces: Number of rolls.
        frames: Number of frames.
        notes: Mean number of notes in a frame.
        most: Most notes in a frame.
        lowest: Lowest note, as a MIDI number; ``None``: nothing sounds.
        highest: Highest note.
        repeated: Share of frames that equal the one before.
    """

    pieces: int
    frames: int
    notes: float
    most: int
    lowest: int | None
    highest: int | None
    repeated: float


@dataclass(frozen=True)
class Closer:
    """More facts about rolls.

    Attributes:
        shortest: Frames of the shortest roll.
        median: Frames of the median one.
        longest: Frames of the longest.
        polyphony: Number of frames with each number of notes, from none on.
        pitch_classes: Number of notes, frame by frame, of each pitch class, from C on.
        chords: The most frequent shapes, as semitones above the lowest note, with their numbers of frames.
        shapes: Number of different shapes.
    """

    shortest: int
    median: int
    longest: int
    polyphony: tuple[int, ...]
    pitch_classes: tuple[int, ...]
    chords: tuple[tuple[tuple[int, ...], int], ...]
    shapes: int


def facts_of(rolls: Sequence[Frames], lowest: int = LOWEST) -> Facts:
    """Return facts about rolls of the same range."""
    joined = np.concatenate(rolls)
    sounding = np.flatnonzero(joined.any(axis=0))
    polyphony = joined.sum(axis=1)
    repeated = sum(int((one[1:] == one[:-1]).all(axis=1).sum()) for one in rolls)
    return Facts(
        pieces=len(rolls),
        frames=len(joined),
        notes=float(polyphony.mean()),
        most=int(polyphony.max()),
        lowest=lowest + int(sounding[0]) if len(sounding) else None,
        highest=lowest + int(sounding[-1]) if len(sounding) else None,
        repeated=repeated / max(1, len(joined) - len(rolls)),
    )


def look_closer(rolls: Sequence[Frames], lowest: int = LOWEST) -> Closer:
    """Return more facts about rolls of the same range."""
    joined, lengths = np.concatenate(rolls), sorted(map(len, rolls))
    of_notes, classes = joined.sum(axis=0), np.zeros(_OCTAVE, dtype=np.int64)
    np.add.at(classes, (lowest + np.arange(joined.shape[1])) % _OCTAVE, of_notes)
    shapes: Counter[tuple[int, ...]] = Counter()
    for frame, count in zip(*np.unique(joined, axis=0, return_counts=True), strict=True):
        sounding = np.flatnonzero(frame)
        shapes[tuple((sounding - sounding[:1]).tolist())] += int(count)
    return Closer(
        shortest=lengths[0],
        median=lengths[len(lengths) // 2],
        longest=lengths[-1],
        polyphony=tuple(np.bincount(joined.sum(axis=1)).tolist()),
        pitch_classes=tuple(classes.tolist()),
        chords=tuple(shapes.most_common(_CHORDS)),
        shapes=len(shapes),
    )
