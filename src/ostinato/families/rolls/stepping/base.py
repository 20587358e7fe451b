"""Walking through rolls frame by frame, several side by side."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.rolls import Frames


class Step(NamedTuple):
    """One frame of R rolls.

    Attributes:
        frames: The notes, [R, N].
        log_given: Natural log-probability of the notes that were given, where they come, [R].
        probabilities: Probability of each note given the notes above it and all frames before, [R, N], at temperature
            1; of a head that does not decide note by note, given the frames before alone; ``None``: not asked for.
    """

    frames: Frames
    log_given: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None


class Stepper(abc.ABC):
    """R rolls that are written side by side.

    Attributes:
        notes: Number of notes N.
        draws: Number of uniform numbers that a frame takes.
        decides_by_note: Whether notes are decided on one after the other, so that some can be given.
    """

    notes: int
    draws: int
    decides_by_note: bool

    @abc.abstractmethod
    def step(
        self,
        uniform: NDArray[np.float32],
        known: NDArray[np.int8] | None = None,
        temperature: float = 1.0,
        *,
        expects: bool = False,
    ) -> Step:
        """Go on by one frame in each roll; it is read when the next one is written.

        Args:
            uniform: Uniform numbers, [R, draws].
            known: 1 sounds, 0 is silent, -1 is to be drawn, [N]; ``None``: all are drawn.
            temperature: Divides the logits of notes.
            expects: Whether the probabilities are asked for.
        """

    @abc.abstractmethod
    def select(self, rows: NDArray[np.int64]) -> None:
        """Go on with some of the rolls, each as often as its number stands there, [R]."""

    @abc.abstractmethod
    def mark(self) -> Any:
        """Return the place where the rolls are, for ``back``."""

    @abc.abstractmethod
    def back(self, mark: Any) -> None:
        """Go back to a place, and forget the frames that came after it."""

    @abc.abstractmethod
    def put(self, frame: Frames) -> None:
        """Take a given frame [N] as the next one in each roll."""
