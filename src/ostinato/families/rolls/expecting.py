"""Expectations of a model, note by note, of a given roll."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ostinato.families.rolls.stepping.base import Stepper
from ostinato.music.rolls import Frames


def expected_by_note(stepper: Stepper, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a roll [T, N] with a model whose likelihood is exact.

    Args:
        stepper: Reader of one roll, at its beginning.
        frames: The roll.

    Returns:
        -ln P of each frame, [T], and the probability of each note given those above it, [T, N].
    """
    uniform = np.zeros((1, stepper.draws), dtype=np.float32)
    steps = [stepper.step(uniform, frame.astype(np.int8), expects=True) for frame in frames]
    probabilities = [one.probabilities for one in steps if one.probabilities is not None]
    return np.array([-one.log_given[0] for one in steps]), np.concatenate(probabilities)
