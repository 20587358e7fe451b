"""Piano rolls as sound, by the same plucked strings as tunes."""

from __future__ import annotations

import numpy as np

from ostinato.music.rolls import LOWEST, Frames
from ostinato.music.sound import Struck, in_wav, mixed


def write_wav_roll(frames: Frames, seconds: float, *, lowest: int = LOWEST) -> bytes:
    """Return a roll as a WAV file. A note that sounds in frames one after another is one long note.

    Args:
        frames: The notes of each frame, [T, N].
        seconds: Length of a frame.
        lowest: MIDI number of the first note.
    """
    return in_wav(mixed(notes_of_frames(frames, seconds, lowest), len(frames) * seconds))


def notes_of_frames(frames: Frames, seconds: float, lowest: int = LOWEST) -> list[Struck]:
    """Return the notes of a roll with their times in seconds, in the order of their beginnings."""
    changes = np.diff(np.pad(frames.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    note, start = np.nonzero(changes.T > 0)  # both ordered by note, then by time: a beginning with its end
    _, end = np.nonzero(changes.T < 0)
    struck = [
        Struck(lowest + one, first * seconds, (last - first) * seconds)
        for one, first, last in zip(note.tolist(), start.tolist(), end.tolist(), strict=True)
    ]
    return sorted(struck, key=lambda one: (one.start, one.midi))
