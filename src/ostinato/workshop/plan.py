"""Budgets: how long to train, and how a time becomes a number of steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ostinato.config import out_of_range, raise_problems
from ostinato.errors import ConfigError

DEFAULT_MINUTES = 3.0

EVALUATIONS = 8  # in a run
_SHARE, _MOST_SHARE = 0.05, 0.25  # of the time, for all evaluations together
_MOST_SECONDS_BETWEEN = 120.0  # two evaluations
_PLANS = 20  # in a run, at least
_FIRST_SECONDS = 2.0  # between the first plans
_REPLAN = 0.05  # a plan off by more than this share of the time left is made anew
_LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Amount:
    """Amount of training: exactly one of the three.

    Attributes:
        minutes: Wall time of the whole process, set-up and evaluations included.
        epochs: Passes over the training data.
        steps: Training steps.
    """

    minutes: float | None = None
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        given = [n for n, v in (("minutes", self.minutes), ("epochs", self.epochs), ("steps", self.steps)) if v]
        if len(given) > 1:
            raise ConfigError(f"give one of minutes, epochs and steps, not {' and '.join(given)}")
        amounts = (("minutes", self.minutes), ("epochs", self.epochs), ("steps", self.steps))
        raise_problems([out_of_range(name, value, above=0) for name, value in amounts if value is not None])

    @property
    def is_time(self) -> bool:
        """Whether the amount is a time, which it is when nothing is given too."""
        return self.epochs is None and self.steps is None

    @property
    def expected_minutes(self) -> float:
        """The time that sizes are chosen for; the usual one where the amount is not a time."""
        return self.minutes if self.minutes is not None else DEFAULT_MINUTES


@dataclass
class Clock:
    """A deadline, and the plans made to meet it.

    Attributes:
        deadline: When the process should be done, on the scale of ``now``.
        budget: Seconds of all.
        reserve: Seconds to keep for what comes after the last step.
        evaluation: Seconds that an evaluation with its checkpoint takes.
        between: Seconds of training between two evaluations.
        last_step: The step at which training ends even if time is left.
        now: The clock; tests put their own in its place.
    """

    deadline: float
    budget: float
    reserve: float
    evaluation: float
    between: float = math.inf
    last_step: float = math.inf
    now: Callable[[], float] = field(default=time.monotonic)
    _began: float | None = None  # when the first plan was due
    _planned: float = 0.0
    _usual: tuple[float, float] | None = None  # reserve and seconds of an evaluation, as they were at first

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.now()

    def share_out(self) -> int:
        """Set the seconds between evaluations; return how many evaluations there will be.

        They take a twentieth of the time at most, or a quarter where there would be fewer than two of them.
        """
        left = max(0.0, self.left - self.reserve)
        fits = left / max(1e-9, self.evaluation)
        count = max(1, min(EVALUATIONS, max(int(_SHARE * fits), min(2, int(_MOST_SHARE * fits)))))
        self.between = min(_MOST_SECONDS_BETWEEN, max(0.0, left - count * self.evaluation) / count)
        return count

    def evaluate_every(self, seconds_per_step: float) -> int:
        """Return how many steps lie between two evaluations."""
        return max(1, math.ceil(min(self.between, self.budget) / seconds_per_step))

    def is_due(self) -> bool:
        """Return whether the plan has to be made anew: every few seconds at first, then 20 times in all.

        The answer is given once: after a yes the next one is some seconds away.
        """
        now = self.now()
        if self._began is None:
            self._began = self._planned = now
            return False
        most = self.budget / _PLANS
        if now - self._planned < min(max(_FIRST_SECONDS, (now - self._began) / 8), most):
            return False
        self._planned = now
        return True

    def note_evaluation(self, seconds: float) -> None:
        """Note how long an evaluation took; if it took longer than before, so will what comes after the last step."""
        if self._usual is None:
            self._usual = self.reserve, max(seconds, self.evaluation)
        reserve, usual = self._usual
        self.reserve = max(reserve, min(reserve * seconds / usual, _MOST_SHARE * self.budget))
        self.evaluation = seconds

    def steps_left(self, seconds_per_step: float, evaluate_every: int) -> int:
        """Return how many more steps fit."""
        left = self.left - self.reserve - self.evaluation
        return max(0, int(left / (seconds_per_step + self.evaluation / evaluate_every)))

    def corrected(self, steps_left: int, seconds_per_step: float, evaluate_every: int) -> int:
        """Return a better number of steps if ``steps_left`` is off by over 5 % of the time left, else the same."""
        better = self.steps_left(seconds_per_step, evaluate_every)
        off = abs(better - steps_left) * seconds_per_step
        worth = off > max(min(_LEAST_SECONDS, self.budget / 60), _REPLAN * self.left)
        return better if worth else steps_left
