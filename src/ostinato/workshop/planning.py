"""From a budget and a trial to a clock, and to a plan of steps and evaluations."""

from __future__ import annotations

import math

from ostinato.data import Stream
from ostinato.engine.watching import ThreadWatch
from ostinato.families.settings import TrainingSettings
from ostinato.training.trainer import Trainer
from ostinato.workshop.build import Builder, Trial
from ostinato.workshop.plan import EVALUATIONS, Amount, Clock
from ostinato.workshop.threads import using_threads

_RESERVE = 1.0  # seconds for what comes after the last evaluation, besides what the family does then
_CHECKPOINT = 0.2  # seconds, until the first one is measured


def clock_for(builder: Builder, trial: Trial, minutes: float, started: float, *, report: bool) -> Clock:
    """Return the clock of a budget.

    Args:
        builder: Builds the run.
        trial: Gives the time of a step.
        minutes: The budget.
        started: When it began, by ``time.monotonic()``.
        report: Whether it has to leave time for a report.
    """
    settings = trial.settings
    with using_threads(trial.threads):
        evaluation = builder.evaluation_seconds(settings)
    closing = builder.family.closing_seconds(
        builder.codec,
        builder.train,
        builder.valid,
        seconds_per_symbol=evaluation / builder.evaluated_symbols(settings),
        minutes=minutes,
        report=report,
    )
    return Clock(started + 60 * minutes, 60 * minutes, _RESERVE + closing, evaluation + _CHECKPOINT)


def most_steps(builder: Builder, settings: TrainingSettings) -> float:
    """Return how many steps make up the most passes that are worth it."""
    if settings.passes is None:
        return math.inf
    return max(1, math.ceil(settings.passes * builder.stream(settings).batches_per_epoch))


def plan_steps(amount: Amount, stream: Stream, clock: Clock | None, seconds: float) -> tuple[int, int]:
    """Return the number of steps, and how many lie between two evaluations."""
    if clock is None:
        steps = amount.steps or math.ceil((amount.epochs or 0) * stream.batches_per_epoch)
        return steps, max(1, math.ceil(steps / EVALUATIONS))
    evaluations = clock.share_out()
    left = clock.left - clock.reserve - evaluations * clock.evaluation
    steps = max(1, int(min(left / seconds, clock.last_step)))
    return steps, min(clock.evaluate_every(seconds), math.ceil(steps / evaluations))


def thread_watch(trial: Trial, trainer: Trainer) -> ThreadWatch | None:
    """Return what changes the number of threads during training; ``None`` where nothing is to be changed."""
    if trial.usual is None or trial.usual == 1 or trainer.keeps_threads:
        return None
    count = trainer.threads[-1][1]
    # Where the record says otherwise than the trial, one thread is tried at the first look, and recorded.
    return ThreadWatch(trial.usual, count, dict(trial.times) if count == trial.threads else {})
