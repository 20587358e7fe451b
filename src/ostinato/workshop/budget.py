"""Budgets: how long to train, and how a time becomes a number of steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ostinato.config import out_of_range, raise_problems
from ostinato.errors import ConfigError

DEFAULT_MINUTES = 3.0

_REPLAN = 0.05  # a plan off by more than this share of the time left is made anew
_LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Amount:
    """How much to train: exactly one of the three.

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
        reserve: Seconds to keep for what comes after the last step.
        evaluation: Seconds that an evaluation with its checkpoint takes.
        last_step: The step at which training ends even if time is left.
        now: The clock; tests put their own in its place.
    """

    deadline: float
    reserve: float
    evaluation: float
    last_step: float = math.inf
    now: Callable[[], float] = field(default=time.monotonic)

    def steps_left(self, seconds_per_step: float, evaluate_every: int) -> int:
        """How many more steps fit."""
        left = self.deadline - self.now() - self.reserve - self.evaluation
        return max(0, int(left / (seconds_per_step + self.evaluation / evaluate_every)))

    def corrected(self, steps_left: int, seconds_per_step: float, evaluate_every: int) -> int:
        """Return a better number of steps if ``steps_left`` is off by over 5 % of the time left, else the same."""
        better = self.steps_left(seconds_per_step, evaluate_every)
        off = abs(better - steps_left) * seconds_per_step
        worth = off > max(_LEAST_SECONDS, _REPLAN * (self.deadline - self.now()))
        return better if worth else steps_left
