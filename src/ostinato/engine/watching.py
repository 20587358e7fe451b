"""Watching how long work takes with a number of threads, and trying another one when the machine gets busy or quiet."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

#: How much faster more threads than one have to be: one is what other programs disturb least.
BETTER = 1.1
#: The share of its time for which a single thread has a core where any is free; with less, more threads wait longer.
FREE = 0.85
_SLOW = 1.5  # how much longer than planned steps take before another number is tried
_STALLED = 4.0  # the same, before it is tried at once
_STALLED_SHARE = 0.25  # of the seconds between two looks that stalled steps may lose
_LEAST_STEPS = 4
_TRIED_STEPS = 3  # after one that is not counted
_HOPELESS = 2.0  # times the seconds of the number before
_WAIT_FOR_LOST = 25.0  # seconds of waiting for each one that a try has lost


@dataclass(frozen=True)
class Switch:
    """A decision to go on with another number of threads.

    Attributes:
        threads: Number of threads from now on.
        before: Number of threads until now.
        gain: Speed-up of a step from the number before to the new one, both measured just now.
    """

    threads: int
    before: int
    gain: float


@dataclass
class ThreadWatch:
    """A watch on how long steps take, which tries another number of threads where that may help.

    A single thread is tried where steps take half as long again as planned, a few of them stall, or it was never
    measured. Where it is used because the machine was busy, the usual number is tried again now and then, unless even
    a single thread does not get a core for itself. A try uses steps of the real work.

    Attributes:
        usual: Number of threads on a quiet machine.
        count: Number of threads now.
        planned: Seconds of a step with each number of threads, as far as measured.
        look: Seconds of work between two looks.
        wait: Seconds before the usual number is tried again; twice as many after each try that did not help.
        most_wait: Seconds at which that doubling ends.
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
    _on_core: float = 0.0  # seconds since the last look in which the thread that was watched had a core
    _left: tuple[int, float] | None = None  # while another number is tried: the one before, and its seconds

    def take(self, seconds: float, steps: int = 1, on_core: float | None = None) -> Switch | None:
        """Note how long some steps took, and set ``count`` for the next ones.

        Args:
            seconds: Wall time of these steps.
            steps: Number of these steps.
            on_core: Seconds of them in which the calling thread had a core; ``None``: all.

        Returns:
            The decision to go on with another number, once it is made; trying one is not yet such a decision.
        """
        self._clock += seconds
        self._times.append(seconds / steps)
        self._looked += seconds
        self._on_core += seconds if on_core is None else on_core
        if self._left is not None:
            return self._judge(*self._left)
        if (stalled := self._stalled()) is not None:
            self._try(1, stalled)
        elif self._looked >= self.look and len(self._times) >= _LEAST_STEPS:
            self._look_around()
        return None

    def _stalled(self) -> float | None:
        """Return the seconds of a step while steps stall; ``None`` where they do not, or one thread takes them."""
        planned = self.planned.get(self.count)
        if self.count == 1 or planned is None or self._times[-1] <= _STALLED * planned:
            return None
        slow = [seconds for seconds in self._times if seconds > _STALLED * planned]
        lost = sum(slow) - len(slow) * planned
        return statistics.median(slow) if len(slow) > 1 and lost > _STALLED_SHARE * self.look else None

    def _look_around(self) -> None:
        """Try another number of threads where the last steps call for it."""
        now, is_free = statistics.median(self._times), self._on_core >= FREE * self._looked
        self._look_anew()
        planned = self.planned.setdefault(self.count, now)
        self.planned[self.count] = min(planned, now)
        if self.count > 1 and (now > _SLOW * planned or 1 not in self.planned):
            self._try(1, now)
        elif self.count != self.usual and is_free and self._clock >= self._time_of_next_try():
            self._try(self.usual, now)

    def _time_of_next_try(self) -> float:
        return self.wait if self._next_try is None else self._next_try

    def _try(self, count: int, seconds: float) -> None:
        self._look_anew()
        self._left, self.count = (self.count, seconds), count

    def _judge(self, before: int, seconds: float) -> Switch | None:
        """Decide between two numbers as soon as there are steps enough of the new one."""
        first, *tried = self._times  # the first one starts threads, or lets them go
        hopeless = first > _STALLED * seconds or (bool(tried) and tried[0] > _HOPELESS * seconds)
        if len(tried) < _TRIED_STEPS and not hopeless:
            return None
        now, lost = statistics.median(tried or [first]), self._looked - len(self._times) * seconds
        self._look_anew()
        self._left = None
        if now < seconds * BETTER if self.count == 1 else now * BETTER < seconds:
            self.planned[self.count] = min(self.planned.get(self.count, now), now)
            self._plan_next(self.wait)
            return Switch(self.count, before, seconds / now)
        self.planned.setdefault(self.count, now)
        self.count = before
        self.planned[before] = seconds  # it is as slow with any number: that is the speed from now on
        self._plan_next(max(min(2 * (self._waiting or self.wait), self.most_wait), _WAIT_FOR_LOST * lost))
        return None

    def _plan_next(self, wait: float) -> None:
        self._waiting, self._next_try = wait, self._clock + wait

    def _look_anew(self) -> None:
        self._times.clear()
        self._looked = self._on_core = 0.0
