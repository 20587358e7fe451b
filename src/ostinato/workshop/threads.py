"""The number of processor threads that train: by a table for small steps, by a trial of the real step for others.

Two threads of a training step wait for each other many times in it. Where another program takes a core, each wait
lasts until the system gives the core back, and a step takes up to ten times as long as with one thread. So the number
is chosen by a trial, watched during training (``ostinato.engine.watching``), and chosen anew when steps take long.
Every choice is recorded with its step, so that a resumed run makes the same sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from ostinato.cores.forks import most_threads
from ostinato.engine.watching import BETTER, FREE
from ostinato.training.device import StepTime

#: Weights times symbols of a step under which a second thread gains little (docs/design/sizes.md).
_SMALL = 50e6
_HOPELESS = 1.5  # times the seconds with one thread


def usual_threads(products: float, every: int) -> int:
    """Return how many threads a training step has on a quiet machine.

    Args:
        products: Weights times symbols of a step.
        every: Largest number of threads.
    """
    return 1 if products < _SMALL else every


def faster_threads(usual: int, step_time: Callable[[int, float], StepTime]) -> tuple[int, dict[int, float]]:
    """Return the faster of one thread and the usual number, and the seconds of a step with each that was tried.

    The usual number has to be clearly faster, which it is on a quiet machine: so there the choice is always the same.
    Where even one thread does not get a core for itself, more are not tried: a single step of theirs can then take a
    hundred times as long.

    Args:
        usual: The usual number.
        step_time: Times a step with a number of threads; one of more seconds than given need not be timed again.
    """
    one = step_time(1, math.inf)
    times = {1: one.seconds}
    if usual > 1 and one.share >= FREE:
        times[usual] = step_time(usual, _HOPELESS * one.seconds).seconds
        if times[usual] * BETTER <= one.seconds:
            return usual, times
    return 1, times


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Have PyTorch use so many threads until a ``with`` block ends; ``None`` leaves its choice."""
    before = torch.get_num_threads()
    if count is not None:
        set_threads(count)
    try:
        yield
    finally:
        set_threads(before)


def set_threads(count: int) -> None:
    """Have PyTorch use so many threads from now on, as far as this process may."""
    count = min(count, most_threads() or count)
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
