"""Notes of a piece that stay: a voice, a range of pitches, whole bars; all others are free."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.music.rolls import Frames

#: Of a note that is not given.
FREE = -1
#: Names of what stays, besides ranges of pitches.
VOICES = ("soprano", "bass", "notes")
_RANGE = re.compile(r"(\d{1,3})-(\d{1,3})")


def given_notes(frames: Frames, voice: str, lowest: int) -> NDArray[np.int8]:
    """Return what is given by a voice of a piece.

    Args:
        frames: The piece, [T, N].
        voice: ``"soprano"``: the highest note of each frame, and silence above it; ``"bass"``: the lowest one, and
            silence below it; ``"notes"``: all notes sound, and others may be added; two MIDI numbers such as
            ``"60-84"``: in that range everything stays as it is. A frame without notes gives no highest or lowest one.
        lowest: MIDI number of the first note.

    Returns:
        1 sounds, 0 is silent, -1 is free, [T, N].

    Raises:
        ConfigError: There is no such voice.
    """
    given = np.full(frames.shape, FREE, dtype=np.int8)
    if voice == "notes":
        given[frames == 1] = 1
    elif voice in VOICES:
        _outer_voice(given, frames, top=voice == "soprano")
    else:
        first, last = _range(voice, lowest, frames.shape[1])
        given[:, first : last + 1] = frames[:, first : last + 1]
    return given


def given_bars(frames: Frames, bars: frozenset[int], length: int, first: int = 0) -> NDArray[np.int8]:
    """Return what is given by bars that stay as they are.

    Args:
        frames: The piece, [T, N].
        bars: Their numbers, from 1.
        length: Frames of a bar.
        first: Number of the first frame within its bar, which is bar 1: where the piece begins with an upbeat.

    Returns:
        1 sounds, 0 is silent, -1 is free, [T, N].

    Raises:
        ConfigError: The piece has no such bar.
    """
    count = -(-(first + len(frames)) // length)
    if beyond := sorted(number for number in bars if not 1 <= number <= count):
        raise ConfigError(f"the piece has the bars 1 to {count}; there is no bar {beyond[0]}")
    given = np.full(frames.shape, FREE, dtype=np.int8)
    for number in bars:
        rows = slice(max(0, (number - 1) * length - first), number * length - first)
        given[rows] = frames[rows]
    return given


def _outer_voice(given: NDArray[np.int8], frames: Frames, *, top: bool) -> None:
    for row, frame in zip(given, frames, strict=True):
        sounding = np.flatnonzero(frame)
        if len(sounding) and top:
            row[sounding[-1] + 1 :] = 0
            row[sounding[-1]] = 1
        elif len(sounding):
            row[: sounding[0]] = 0
            row[sounding[0]] = 1


def _range(voice: str, lowest: int, notes: int) -> tuple[int, int]:
    """Return the numbers of the first and the last note of a range."""
    match = _RANGE.fullmatch(voice)
    if match is None:
        raise ConfigError(
            f"{voice!r} is no file, and says not which notes stay: {', '.join(VOICES)}, or a range of MIDI numbers "
            "such as 60-84"
        )
    first, last = int(match[1]), int(match[2])
    if not lowest <= first <= last < lowest + notes:
        raise ConfigError(
            f"{voice!r} is no range of the notes that the model knows, which are {lowest} to {lowest + notes - 1}"
        )
    return first - lowest, last - lowest
