"""Piano rolls as plain data: the notes that sound in each frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError

#: Lowest and highest key of a piano, as MIDI numbers: the 88 notes of the papers.
LOWEST, HIGHEST = 21, 108
#: The token after each frame, in the text of a roll.
FRAME_END = "|"
Frames: TypeAlias = NDArray[np.uint8]
"""The notes of each frame, [T, N] of 0 and 1, lowest note first."""

_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_GRID = re.compile(r"(\d+)(?:st|nd|rd|th)|(\d+(?:\.\d+)?|\.\d+)s")
_FINEST, _COARSEST = 1, 64  # parts of a whole note
_SHORTEST, _LONGEST = 0.01, 10.0  # seconds


@dataclass(frozen=True)
class Grid:
    """The length of a frame: a part of a whole note, whatever the tempo, or seconds.

    Attributes:
        parts: Frames in a whole note; 0: a frame is that many seconds.
        seconds: Length of a frame in seconds; 0: it is a part of a note.
    """

    parts: int = 0
    seconds: float = 0.0

    def seconds_at(self, quarters_per_minute: float) -> float:
        """Return the length of a frame in seconds, at a tempo."""
        return self.seconds or 240 / quarters_per_minute / self.parts


def parse_grid(text: str) -> Grid:
    """Read a grid, such as ``8th``, ``16th`` or ``0.3s``.

    Raises:
        ConfigError: It is none.
    """
    match = _GRID.fullmatch(text.strip())
    if match is not None and match[1] is not None and _FINEST <= int(match[1]) <= _COARSEST:
        return Grid(parts=int(match[1]))
    if match is not None and match[2] is not None and _SHORTEST <= float(match[2]) <= _LONGEST:
        return Grid(seconds=float(match[2]))
    raise ConfigError(
        f"grid = {text!r}: a frame is a part of a note, such as 8th or 16th (up to {_COARSEST}th), or seconds, such as "
        "0.3s"
    )


def as_text(frames: Frames, lowest: int = LOWEST) -> str:
    """Return a roll as a text: the MIDI numbers of each frame's notes, and ``|`` after each frame.

    >>> as_text(np.array([[1, 0, 1], [0, 0, 0]], dtype=np.uint8), 60)
    '60 62 | |'
    """
    tokens: list[str] = []
    for frame in frames:
        tokens += [str(lowest + note) for note in np.flatnonzero(frame).tolist()]
        tokens.append(FRAME_END)
    return " ".join(tokens)


def note_name(midi: int) -> str:
    """Return the name of a MIDI note, with its octave.

    >>> note_name(60), note_name(70)
    ('C4', 'Bb4')
    """
    return f"{_NAMES[midi % len(_NAMES)]}{midi // len(_NAMES) - 1}"


def tokens_of(lowest: int, highest: int) -> tuple[str, ...]:
    """Return the tokens of rolls in a range: the end of a frame, then each note, lowest first."""
    return (FRAME_END, *map(str, range(lowest, highest + 1)))


def frames_of_ids(
    ids: NDArray[np.integer[Any]], offsets: NDArray[np.int64], notes: int
) -> tuple[Frames, NDArray[np.int64]]:
    """Return the frames of rolls given as ids of ``tokens_of``.

    Args:
        ids: The ids of all rolls, one after another, [tokens]; an id above that of the highest note ends a roll.
        offsets: Start of each roll, then the end of the last one, [rolls + 1].
        notes: Number of notes N.

    Returns:
        The frames of all rolls, [F, N], and the start of each roll among them, [rolls + 1].
    """
    is_end = ids == 0
    frame = np.cumsum(is_end) - is_end  # of each token: how many frames ended before it
    frames = np.zeros((int(is_end.sum()), notes), dtype=np.uint8)
    is_note = (ids > 0) & (ids <= notes)
    at, note = frame[is_note], ids[is_note].astype(np.int64) - 1
    inside = at < len(frames)  # a text may stop within a frame
    frames[at[inside], note[inside]] = 1
    ends = np.concatenate([[0], np.cumsum(is_end)])
    return frames, ends[offsets]


def up_to_transposition(frames: Frames) -> bytes:
    """Return what is equal for rolls that are transpositions of each other."""
    sounding = np.flatnonzero(frames.any(axis=0))
    if not len(sounding):
        return b"silence" + len(frames).to_bytes(8, "big")
    used = frames[:, sounding[0] : sounding[-1] + 1]
    notes: bytes = np.packbits(used, axis=None).tobytes()
    return int(used.shape[1]).to_bytes(2, "big") + notes + len(frames).to_bytes(8, "big")
