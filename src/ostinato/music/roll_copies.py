"""Copies among piano rolls: the longest run of frames that another roll has too, in any key."""

from __future__ import annotations

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


def longest_copy(frames: Frames, known: Frames, offsets: NDArray[np.int64]) -> RollCopy:
    """Return the longest run of frames that one of the known rolls has as well, transposed or not.

    Frames are equal in a run if their notes have the same distances from each other, and from those of the frame
    before. Silent frames are equal to silent ones, and say nothing about the key.

    Args:
        frames: The roll, [T, N].
        known: The frames of all known rolls, one roll after another, [F, N].
        offsets: Start of each, then the end of the last one, [rolls + 1].
    """
    shapes: dict[bytes, int] = {}
    own, own_steps = _described(frames, np.array([0, len(frames)]), shapes)
    others, other_steps = _described(known, offsets, shapes)
    best, F = RollCopy(), len(known)
    starts = np.zeros(F, dtype=bool)
    starts[offsets[:-1][offsets[:-1] < F]] = True
    # Runs that end at each known frame: those with a note, whose key is settled, and those of silence so far.
    loud, quiet = np.zeros(F, dtype=np.int64), np.zeros(F, dtype=np.int64)
    silence = shapes.get(b"")
    for at in range(len(frames)):
        loud_before, quiet_before = (np.where(starts, 0, np.concatenate([[0], run[:-1]])) for run in (loud, quiet))
        same = others == own[at]
        if own[at] == silence:
            loud, quiet = np.where(same & (loud_before > 0), loud_before + 1, 0), np.where(same, quiet_before + 1, 0)
        else:
            goes_on = np.where((loud_before > 0) & (other_steps == own_steps[at]), loud_before, 0)
            loud, quiet = np.where(same, np.maximum(goes_on, quiet_before) + 1, 0), np.zeros(F, dtype=np.int64)
        run = np.maximum(loud, quiet)
        last = int(run.argmax()) if F else 0
        if F and run[last] > best.length:
            length = int(run[last])
            roll = int(np.searchsorted(offsets, last, side="right")) - 1
            best = RollCopy(length, at - length + 1, roll, last - length + 1 - int(offsets[roll]))
    return best


def _described(
    frames: Frames, offsets: NDArray[np.int64], shapes: dict[bytes, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each frame the number of its shape, and the steps from the last note's place to its lowest note."""
    numbers, steps = np.zeros(len(frames), dtype=np.int64), np.zeros(len(frames), dtype=np.int64)
    sounds = frames.max(axis=1, initial=0) > 0
    lowest = frames.argmax(axis=1)
    for first, last in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        before = None
        for number in range(first, last):
            low = int(lowest[number])
            key = np.packbits(frames[number, low:]).tobytes().rstrip(b"\0") if sounds[number] else b""
            numbers[number] = shapes.setdefault(key, len(shapes))
            if sounds[number]:
                steps[number] = 0 if before is None else low - before
                before = low
    return numbers, steps
