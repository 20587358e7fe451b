"""Watching how long work takes with a number of threads, and trying another one when the machine gets busy or quiet."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

#: How much faster more threads than one have to be: one is what other programs disturb least.
BETTER = 1.1
_SLOW = 1.5  # how much longer than planned steps take before another number is tried
_LEAST_STEPS = 4
_TRIED_STEPS = 3  # after one that is not counted


@dataclass(frozen=True)
class Switch:
    """The watched work goes on with another number of threads.

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
    """Watches how long steps take, and tries another number of threads where that may help.

    Where steps take half as long again as planned, or one thread was never measured, one is tried; where there is one
    because the machine was busy, the usual number is tried again now and then. Steps of the real work are tried.

    Attributes:
        usual: How many threads there are on a quiet machine.
        count: How many there are now.
        planned: Seconds of a step with each number, as far as they have been measured.
        look: Seconds of work between two looks.
        wait: Seconds before the usual number is tried again; twice as many after each try that did not help.
        most_wait: Where that doubling ends.
    """

    usual: int
    count: int
    planned: dict[int, float] = field(default_factory=dict)
    look: float = 2.0
    wait: float = 15.0
    most_wait: float = 240.0
    _times: list[float] = field(default_factory=list)
    _clock: float = 0.0  # seconds of work that were watched
    _next_try: float | None = None
    _waiting: float | None = None
    _looked: float = 0.0
    _left: tuple[int, float] | None = None  # while another number is tried: the one before, and its seconds

    def take(self, seconds: float, steps: int = 1) -> Switch | None:
        """Note how long some steps took, and set ``count`` for the next ones.

        Returns:
            The decision to go on with another number, once it is made; trying one is not yet such a decision.
        """
        self._clock += seconds
        self._times.append(seconds / steps)
        self._looked += seconds
        if self._left is not None:
            return self._judge(*self._left)
        if self._looked < self.look or len(self._times) < _LEAST_STEPS:
            return None
        now = statistics.median(self._times)
        self._look_anew()
        planned = self.planned.setdefault(self.count, now)
        self.planned[self.count] = min(planned, now)
        if self.count > 1 and (now > _SLOW * planned or 1 not in self.planned):
            self._try(1, now)
        elif self.count != self.usual and self._clock >= (self.wait if self._next_try is None else self._next_try):
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
        self._look_anew()
        self._left = None
        if now < seconds * BETTER if self.count == 1 else now * BETTER < seconds:
            self.planned[self.count] = min(self.planned.get(self.count, now), now)
            self._plan_next(self.wait)
            return Switch(self.count, before, seconds / now)
        self.planned.setdefault(self.count, now)
        self.count = before
        self.planned[before] = seconds  # it is as slow with any number: that is the speed from now on
        self._plan_next(min(2 * (self._waiting or self.wait), self.most_wait))
        return None

    def _plan_next(self, wait: float) -> None:
        self._waiting, self._next_try = wait, self._clock + wait

    def _look_anew(self) -> None:
        self._times.clear()
        self._looked = 0.0
