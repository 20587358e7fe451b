"""The number of processor threads that train: by a table for small steps, by a trial of the real step for others.

Two threads of a training step wait for each other many times in it. Where another program takes a core, each wait
lasts until the system gives the core back, and a step takes up to ten times as long as with one thread. So the number
is chosen by a trial, watched during training, and chosen anew when steps take much longer than they did.
Every choice is recorded with its step, so that a resumed run makes the same sums.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from ostinato.config import out_of_range, raise_problems

#: Weights times symbols of a step under which a second thread gains less than a fifth (``benchmarks/shapes.py``).
_SMALL = 50e6
_MOST_THREADS = 1024
_BETTER = 1.1  # how much faster another number of threads has to be
_SLOW = 2.0  # how much longer than planned steps take before another number is tried
_LOOK = 2.0  # seconds of training between two looks
_LEAST_STEPS = 4
_TRIED_STEPS = 3  # after one that is not counted
_WAIT, _MOST_WAIT = 15.0, 240.0  # seconds before the usual number is tried again


def check_threads(count: int | None) -> None:
    """Check a number of threads that a user asks for.

    Raises:
        ConfigError: It is under 1, or more than any machine has.
    """
    raise_problems([out_of_range("threads", 1 if count is None else count, least=1, most=_MOST_THREADS)])


def usual_threads(products: float, every: int) -> int:
    """Return how many threads a training step has on a quiet machine.

    Args:
        products: Weights times symbols of a step.
        every: How many threads there may be.
    """
    return 1 if products < _SMALL else every


def faster_threads(usual: int, seconds: Callable[[int], float]) -> tuple[int, dict[int, float]]:
    """Return the faster of one thread and the usual number, and the seconds of a step with each that was tried.

    The usual number is kept unless one thread is clearly faster, which it is only beside another program: so on a
    quiet machine the choice is always the same.
    """
    times = {usual: seconds(usual)}
    if usual > 1:
        times[1] = seconds(1)
        if times[1] * _BETTER < times[usual]:
            return 1, times
    return usual, times


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
    """Have PyTorch use so many threads from now on."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


@dataclass(frozen=True)
class Switch:
    """Training goes on with another number of threads.

    Attributes:
        threads: How many from now on.
        before: How many until now.
        gain: How much faster a step is with the new number than with the one before, both measured just now.
    """

    threads: int
    before: int
    gain: float


@dataclass
class ThreadWatch:
    """Watches how long training steps take, and tries another number of threads where that may help.

    Where steps take twice as long as planned, one thread is tried; where one thread trains because the machine was
    busy, the usual number is tried again now and then. What is tried are real training steps.

    Attributes:
        usual: How many threads there are on a quiet machine.
        count: How many there are now.
        planned: Seconds of a step with each number, as far as they have been measured.
    """

    usual: int
    count: int
    planned: dict[int, float] = field(default_factory=dict)
    _times: list[float] = field(default_factory=list)
    _clock: float = 0.0  # seconds of training steps that were watched
    _next_try: float = _WAIT
    _wait: float = _WAIT
    _left: tuple[int, float] | None = None  # while another number is tried: the one before, and its seconds

    def take(self, seconds: float) -> Switch | None:
        """Note how long a step took, and set ``count`` for the next one.

        Returns:
            The decision to go on with another number, once it is made; trying one is not yet such a decision.
        """
        self._clock += seconds
        self._times.append(seconds)
        if self._left is not None:
            return self._judge(*self._left)
        if sum(self._times) < _LOOK or len(self._times) < _LEAST_STEPS:
            return None
        now = statistics.median(self._times)
        self._times.clear()
        planned = self.planned.setdefault(self.count, now)
        self.planned[self.count] = min(planned, now)
        if self.count > 1 and now > _SLOW * planned:
            self._try(1, now)
        elif self.count != self.usual and self._clock >= self._next_try:
            self._try(self.usual, now)
        return None

    def _try(self, count: int, seconds: float) -> None:
        self._left, self.count = (self.count, seconds), count

    def _judge(self, before: int, seconds: float) -> Switch | None:
        """Decide between two numbers as soon as there are steps enough of the new one."""
        tried = self._times[1:]  # the first one starts threads, or lets them go
        hopeless = bool(tried) and tried[0] > 2 * seconds
        if len(tried) < _TRIED_STEPS and not hopeless:
            return None
        now = statistics.median(tried)
        self._times.clear()
        self._left = None
        if now * _BETTER < seconds:
            self.planned[self.count] = min(self.planned.get(self.count, now), now)
            self._plan_next(_WAIT)
            return Switch(self.count, before, seconds / now)
        self.count = before
        self.planned[before] = seconds  # it is as slow with any number: that is the speed from now on
        self._plan_next(min(2 * self._wait, _MOST_WAIT))
        return None

    def _plan_next(self, wait: float) -> None:
        self._wait, self._next_try = wait, self._clock + wait
