"""Writing rolls: frame by frame, from nothing or from a beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ostinato.errors import ConfigError
from ostinato.families.rolls.stepping.base import Stepper
from ostinato.music.roll_copies import CopyRuns
from ostinato.music.rolls import Frames

if TYPE_CHECKING:
    from ostinato.families.rolls.network import RollNetwork

_TRIES = 200  # draws of a frame that may not copy
_SHOWN = 64  # frames of a glimpse
_MARKS = " ▀▄█"


def write_frames(
    stepper: Stepper,
    count: int,
    seeds: list[int],
    *,
    start: Frames | None = None,
    temperature: float = 1.0,
    tick: Callable[[int, int], None] | None = None,
) -> Frames:
    """Write rolls side by side; each depends on its own seed alone.

    Args:
        stepper: Writer of a roll for each seed, at its beginning.
        count: Number of frames T to write.
        seeds: Seed of each roll.
        start: Frames to go on from, [S, N]; ``None``: silence.
        temperature: Divides the logits of notes.
        tick: Called with the number of frames written so far, and in all.

    Returns:
        The frames of each roll, the start not among them, [rolls, T, N].
    """
    draws = [np.random.Generator(np.random.Philox(key=seed)) for seed in seeds]
    written = np.zeros((len(seeds), count, stepper.notes), dtype=np.uint8)
    for frame in () if start is None else start:
        stepper.put(frame)
    for number in range(count):
        uniform = np.stack([own.random(stepper.draws, dtype=np.float32) for own in draws])
        written[:, number] = stepper.step(uniform, temperature=temperature).frames
        if tick is not None:
            tick(number + 1, count)
    return written


def write_within(
    stepper: Stepper,
    count: int,
    seed: int,
    *,
    copies: CopyRuns,
    most: int,
    start: Frames | None = None,
    temperature: float = 1.0,
) -> Frames:
    """Write a roll that has no longer run of frames in common with known ones than it may: other frames are drawn.

    Args:
        stepper: Writer of one roll, at its beginning.
        count: Number of frames T to write.
        seed: Seed of all draws.
        copies: The known rolls, and what the roll has in common with them; fresh.
        most: Most frames of a run.
        start: Frames to go on from, [S, N]; what they copy stays.
        temperature: Divides the logits of notes.

    Returns:
        The frames, the start not among them, [T, N].

    Raises:
        ConfigError: Every frame that was drawn would copy more.
    """
    draw = np.random.Generator(np.random.Philox(key=seed))
    for frame in () if start is None else start:
        stepper.put(frame)
        copies.add(frame)
    written = np.zeros((count, stepper.notes), dtype=np.uint8)
    for number in range(count):
        mark = stepper.mark()
        for _ in range(_TRIES):
            (frame,) = stepper.step(draw.random((1, stepper.draws), dtype=np.float32), temperature=temperature).frames
            if copies.length_with(frame) <= most:
                break
            stepper.back(mark)
        else:
            raise ConfigError(
                f"frame {number + 1:,}: {_TRIES} draws in a row would have copied more than {most} frames of a "
                "training piece; give a larger --max-copy, a higher --temperature or another --seed"
            )
        copies.add(frame)
        written[number] = frame
    return written


def glimpse(network: RollNetwork, seed: int) -> str:
    """Return a picture of a short roll, two notes a line; the network's mode is left as it was."""
    from ostinato.families.rolls.stepping.by_torch import TorchStepper

    was_training = network.training
    network.eval()
    frames = write_frames(TorchStepper(network, 1), _SHOWN, [seed])[0]
    network.train(was_training)
    return picture(frames)


def picture(frames: Frames) -> str:
    """Return frames [T, N] as lines of blocks, the highest notes above: two notes a line."""
    sounding = np.flatnonzero(frames.any(axis=0))
    if not len(sounding):
        return "(silence)"
    notes = frames[:, sounding[0] : sounding[-1] + 1]
    notes = np.pad(notes, ((0, 0), (0, notes.shape[1] % 2)))
    rows = range(notes.shape[1] - 2, -1, -2)
    return "\n".join("".join(_MARKS[2 * low + high] for low, high in notes[:, row : row + 2]).rstrip() for row in rows)
