"""Scores of rolls, frame by frame and note by note: how probable they are, and where they surprise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.music.rolls import Frames, note_name
from ostinato.units import Bound, describe_bound

_LISTED = 10


@dataclass(frozen=True)
class RollScore:
    """A roll, with what a model says of it.

    Attributes:
        frames: The notes of each frame, [T, N].
        nats: -ln P of each frame given those before, [T].
        probabilities: Probability of each note, [T, N]; see ``RollModel.expected``.
        lowest: MIDI number of the first note.
        bound: Whether ``nats`` is exact.
        place: Its file, or where it stands there; empty: it was not read.
    """

    frames: Frames
    nats: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    lowest: int
    bound: Bound
    place: str = ""

    @property
    def log_prob(self) -> float:
        """Natural log-probability of the roll."""
        return -float(self.nats.sum())

    def nats_of_notes(self) -> NDArray[np.float64]:
        """Return -ln P of each note, sounding or silent as it is, [T, N]."""
        p = np.where(self.frames == 1, self.probabilities, 1 - self.probabilities)
        losses: NDArray[np.float64] = -np.log(np.maximum(p, np.finfo(np.float64).tiny))
        return losses

    def notes_at(self, frame: int) -> list[tuple[str, float]]:
        """Return the notes that sound in a frame with their probabilities, highest first."""
        sounding = np.flatnonzero(self.frames[frame])[::-1].tolist()
        return [(note_name(self.lowest + note), float(self.probabilities[frame, note])) for note in sounding]

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "frames": len(self.frames),
            "log_prob": self.log_prob,
            "nats_per_frame": -self.log_prob / len(self.frames),
            "bound": self.bound,
            "nats": [round(value, 4) for value in self.nats.tolist()],
            "notes": [
                [{"note": name, "probability": round(p, 6)} for name, p in self.notes_at(frame)]
                for frame in range(len(self.frames))
            ],
        }


@dataclass(frozen=True)
class RollScores:
    """Scores of several rolls.

    Attributes:
        rolls: The score of each.
        listed: Number of frames, and of notes, that are listed; the most surprising first.
    """

    rolls: Sequence[RollScore]
    listed: int = _LISTED

    def plain(self) -> list[dict[str, Any]]:
        """Return an object for each roll."""
        return [{"piece": number, "place": roll.place, **roll.plain()} for number, roll in enumerate(self.rolls, 1)]

    def describe(self) -> str:
        """Return the sum, and the most surprising frames and notes, in lines."""
        frames, total = sum(len(roll.frames) for roll in self.rolls), -sum(roll.log_prob for roll in self.rolls)
        lines = [
            f"{len(self.rolls):,} piece{'s'[: len(self.rolls) > 1]}, {frames:,} frames: {total:,.1f} nats, "
            f"{total / frames:.3f} per frame ({describe_bound(self.rolls[0].bound)})",
            "",
            "the most surprising frames, and the probability of each note that sounds there",
            " piece   frame    nats",
        ]
        for piece, frame, nats in _largest([roll.nats[:, None] for roll in self.rolls], self.listed):
            notes = ", ".join(f"{name} {p:.2%}" for name, p in self.rolls[piece].notes_at(frame)) or "silence"
            lines.append(f"{piece + 1:6,}{frame + 1:8,}{nats:8.2f}  {notes}")
        if self.rolls[0].bound != "exact":  # shares of a few draws, which are often nothing
            return "\n".join(lines)
        lines += ["", "the most surprising notes", " piece   frame    nats"]
        for piece, place, nats in _largest([roll.nats_of_notes() for roll in self.rolls], self.listed):
            roll = self.rolls[piece]
            frame, note = divmod(place, roll.frames.shape[1])
            p, name = float(roll.probabilities[frame, note]), note_name(roll.lowest + note)
            said = f"{name} sounds, {p:.2%} expected" if roll.frames[frame, note] else f"no {name}, {p:.2%} expected"
            lines.append(f"{piece + 1:6,}{frame + 1:8,}{nats:8.2f}  {said}")
        return "\n".join(lines)


def _largest(values: Sequence[NDArray[np.float64]], count: int) -> list[tuple[int, int, float]]:
    """Return piece, place in it and value of the largest values; places are frames, or count notes within frames."""
    flat = np.concatenate([one.ravel() for one in values])
    starts = np.cumsum([0, *(one.size for one in values)])
    order = np.argsort(-flat, kind="stable")[:count]
    pieces = np.searchsorted(starts, order, side="right") - 1
    return [
        (int(piece), int(place - starts[piece]), float(flat[place]))
        for piece, place in zip(pieces.tolist(), order.tolist(), strict=True)
    ]
