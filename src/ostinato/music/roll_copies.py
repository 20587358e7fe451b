"""Copies among piano rolls: runs of frames that another roll has too, in any key."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.rolls import Frames


class RollCopy(NamedTuple):
    """A run of frames that a roll has in common with others.

    Attributes:
        length: Number of frames.
        at: Its first frame in the roll.
        of: Number of the other roll; -1: there is no copy.
        place: Its first frame there.
    """

    length: int = 0
    at: int = 0
    of: int = -1
    place: int = 0


class _Runs(NamedTuple):
    """Lengths of runs that end at each known frame: those with a note, whose key is settled, and those of silence."""

    loud: NDArray[np.int64]
    quiet: NDArray[np.int64]
    lowest: int | None  # note of the growing roll, in its last frame that has one


class CopyRuns:
    """Runs of frames that a roll, as it grows, has in common with known rolls, transposed or not.

    Frames are equal in a run if their notes have the same distances from each other, and from those of the frame
    before. Silent frames are equal to silent ones, and say nothing about the key.

    Args:
        known: The frames of all known rolls, one roll after another, [F, N].
        offsets: Start of each, then the end of the last one, [rolls + 1].
    """

    def __init__(self, known: Frames, offsets: NDArray[np.int64]) -> None:
        self._shapes: dict[bytes, int] = {}
        self._others, self._steps = _described(known, offsets, self._shapes)
        self._offsets = offsets
        self._starts = np.zeros(len(known), dtype=bool)
        self._starts[offsets[:-1][offsets[:-1] < len(known)]] = True
        none = np.zeros(len(known), dtype=np.int64)
        self._runs, self._count = _Runs(none, none, None), 0

    def fresh(self) -> CopyRuns:
        """Return the same for another roll, at its beginning."""
        other, none = copy.copy(self), np.zeros(len(self._others), dtype=np.int64)
        other._runs, other._count = _Runs(none, none, None), 0
        return other

    def length_with(self, frame: Frames) -> int:
        """Return the length of the longest run that would end with a frame [N], if it came next."""
        runs = self._after(frame)
        return int(np.maximum(runs.loud, runs.quiet).max(initial=0))

    def add(self, frame: Frames) -> RollCopy:
        """Add the next frame [N], and return the longest run that ends with it."""
        self._runs = self._after(frame)
        self._count += 1
        run = np.maximum(self._runs.loud, self._runs.quiet)
        if not run.any():
            return RollCopy()
        last = int(run.argmax())
        length, roll = int(run[last]), int(np.searchsorted(self._offsets, last, side="right")) - 1
        return RollCopy(length, self._count - length, roll, last - length + 1 - int(self._offsets[roll]))

    def _after(self, frame: Frames) -> _Runs:
        loud, quiet = (np.where(self._starts, 0, np.roll(run, 1)) for run in self._runs[:2])
        key, low = _shape(frame)
        same = self._others == self._shapes.get(key, -1)
        if low is None:
            return _Runs(np.where(same & (loud > 0), loud + 1, 0), np.where(same, quiet + 1, 0), self._runs.lowest)
        step = 0 if self._runs.lowest is None else low - self._runs.lowest
        goes_on = np.where((loud > 0) & (self._steps == step), loud, 0)
        return _Runs(np.where(same, np.maximum(goes_on, quiet) + 1, 0), np.zeros_like(quiet), low)


def longest_copy(frames: Frames, known: Frames, offsets: NDArray[np.int64]) -> RollCopy:
    """Return the longest run of frames of a roll [T, N] that one of the known rolls has as well; see ``CopyRuns``."""
    runs = CopyRuns(known, offsets)
    return max((runs.add(frame) for frame in frames), key=lambda copy: copy.length, default=RollCopy())


def _shape(frame: Frames) -> tuple[bytes, int | None]:
    """Return the distances of a frame's notes from its lowest one, and that note; ``None``: it is silent."""
    sounding = np.flatnonzero(frame)
    if not len(sounding):
        return b"", None
    low = int(sounding[0])
    return np.packbits(frame[low:]).tobytes().rstrip(b"\0"), low


def _described(
    frames: Frames, offsets: NDArray[np.int64], shapes: dict[bytes, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each frame the number of its shape, and the steps from the last note's place to its lowest note."""
    numbers, steps = np.zeros(len(frames), dtype=np.int64), np.zeros(len(frames), dtype=np.int64)
    for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        before = None
        for number in range(first, last):
            key, low = _shape(frames[number])
            numbers[number] = shapes.setdefault(key, len(shapes))
            if low is not None:
                steps[number] = 0 if before is None else low - before
                before = low
    return numbers, steps
