"""Piano rolls as SVG pictures."""

from __future__ import annotations

import numpy as np

from ostinato.music.rolls import LOWEST, Frames

FRAME, NOTE = 8, 6  # pixels
_BLACK = (1, 3, 6, 8, 10)  # semitones above C
_OCTAVE = 12


def roll_svg(frames: Frames, *, lowest: int = LOWEST) -> str:
    """Return a roll as an SVG picture: time to the right, notes upwards, the rows of black keys shaded."""
    sounding = np.flatnonzero(frames.any(axis=0))
    first, last = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (0, _OCTAVE - 1)
    width, height = len(frames) * FRAME, (last - first + 1) * NOTE
    parts = rows_of_keys(first, last, width, lowest)
    changes = np.diff(np.pad(frames.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    notes, starts = np.nonzero(changes.T > 0)
    _, ends = np.nonzero(changes.T < 0)
    for note, start, end in zip(notes.tolist(), starts.tolist(), ends.tolist(), strict=True):
        x, y = start * FRAME, (last - note) * NOTE
        parts.append(
            f'<rect class="note" x="{x}" y="{y}" width="{(end - start) * FRAME - 1}" height="{NOTE - 1}" rx="1" '
            'fill="#2266cc"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>piano roll of {len(frames)} frames</title>{''.join(parts)}</svg>\n"
    )


def rows_of_keys(first: int, last: int, width: int, lowest: int) -> list[str]:
    """Return the rows of black keys, shaded, and a line under each C, for the notes from ``first`` to ``last``."""
    parts = []
    for note in range(first, last + 1):
        y = (last - note) * NOTE
        if (lowest + note) % _OCTAVE in _BLACK:
            parts.append(f'<rect x="0" y="{y}" width="{width}" height="{NOTE}" fill="#f0f0f0"/>')
        if (lowest + note) % _OCTAVE == 0:
            parts.append(f'<line x1="0" x2="{width}" y1="{y + NOTE}" y2="{y + NOTE}" stroke="#ccc"/>')
    return parts
