"""Writing rolls: frame by frame, from nothing or from a beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ostinato.families.rolls.network import RollNetwork
from ostinato.music.rolls import Frames

_SHOWN = 64  # frames of a glimpse
_MARKS = " ▀▄█"


def write_frames(
    network: RollNetwork,
    count: int,
    seeds: list[int],
    *,
    start: Frames | None = None,
    temperature: float = 1.0,
    tick: Callable[[int, int], None] | None = None,
) -> Frames:
    """Write rolls side by side; each depends on its own seed alone.

    Args:
        network: The network.
        count: Number of frames T to write.
        seeds: Seed of each roll.
        start: Frames to go on from, [S, N]; ``None``: silence.
        temperature: Divides the logits of notes.
        tick: Called with the number of frames written so far, and in all.

    Returns:
        The frames of each roll, the start not among them, [rolls, T, N].
    """
    draws = [np.random.Generator(np.random.Philox(key=seed)) for seed in seeds]
    head, rows = network.head, len(seeds)
    written = np.zeros((rows, count, network.notes), dtype=np.uint8)
    with torch.inference_mode(), one_thread():
        frame, state = _read(network, rows, start)
        for number in range(count):
            y, state = network.core.step(frame, state)
            uniform = np.stack([own.random(head.draws, dtype=np.float32) for own in draws])
            frame = head.sample(y, torch.from_numpy(uniform).to(y.device), temperature)
            written[:, number] = frame.cpu().numpy()
            if tick is not None:
                tick(number + 1, count)
    return written


@contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch use one thread until a ``with`` block ends: of steps so small, a second one only waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _read(network: RollNetwork, rows: int, start: Frames | None) -> tuple[Tensor, Any]:
    """Return the frame to read next, [rows, N], and the state before it."""
    state, device = network.initial_state(rows), network.device
    frame = torch.zeros(rows, network.notes, device=device)
    for own in () if start is None else torch.from_numpy(start).to(device).float():
        _, state = network.core.step(frame, state)
        frame = own.expand(rows, -1)
    return frame, state


def glimpse(network: RollNetwork, seed: int) -> str:
    """Return a picture of a short roll, two notes a line; the network's mode is left as it was."""
    was_training = network.training
    network.eval()
    frames = write_frames(network, _SHOWN, [seed])[0]
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
