"""Training as a generator: saving, logging and progress bars are consumers of the events it yields."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ostinato.errors import TrainingError
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer

_MOST_ROLLBACKS = 3


@dataclass(frozen=True)
class Stepped:
    """A training step was taken.

    Attributes:
        step: Number of steps taken so far.
        steps: Number of steps in all, by the present plan.
        nats_per_symbol: Loss of the batch, in nats per symbol.
        symbols: Number of targets in the batch.
        gradient_norm: Norm of the gradient before clipping.
        seconds: Wall time of the step.
        core_seconds: Seconds of it in which the training thread had a core.
    """

    step: int
    steps: int
    nats_per_symbol: float
    symbols: int
    gradient_norm: float
    seconds: float
    core_seconds: float


@dataclass(frozen=True)
class Evaluated:
    """The weights and their average were validated. The trainer is between two steps: a time to save.

    Attributes:
        step: Number of steps taken so far.
        steps: Number of steps in all, by the present plan.
        train_nats_per_symbol: Mean loss of the steps since the last evaluation, dropout included.
        valid_nats_per_symbol: Validation loss of the weights.
        average_nats_per_symbol: Validation loss of their moving average, if there is one.
        standard_error: Standard error of the better of the two, in nats per symbol, if it is known.
        is_best: Whether the better of the two is the best so far.
        seconds: Wall time of the evaluation.
        train_parts: Means of the named parts of the loss since the last evaluation.
        valid_parts: Means of the named parts of the validation loss, of the better of the two.
    """

    step: int
    steps: int
    train_nats_per_symbol: float
    valid_nats_per_symbol: float
    average_nats_per_symbol: float | None
    standard_error: float | None
    is_best: bool
    seconds: float
    train_parts: Mapping[str, float] = field(default_factory=dict)
    valid_parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RolledBack:
    """Loss or gradient was not finite: training went back and goes on with half the learning rate.

    Attributes:
        step: Step at which it happened.
        to_step: Step from which training goes on.
        what: The value that was not finite.
        scale: Factor of the learning rate from now on.
    """

    step: int
    to_step: int
    what: str
    scale: float


@dataclass(frozen=True)
class Stopped:
    """Training is over.

    Attributes:
        step: Number of steps taken.
        reason: ``"done"``, or ``"patience"`` when validation did not improve any more.
    """

    step: int
    reason: str


Event: TypeAlias = Stepped | Evaluated | RolledBack | Stopped


def train(trainer: Trainer, good: Snapshot | None = None) -> Iterator[Event]:
    """Train to the end of the plan, yielding everything that happens.

    Between two events the trainer rests between two steps: it may be saved, its plan moved, or the
    generator left.

    Args:
        trainer: Trainer, which goes on from where it is.
        good: Snapshot that a rollback restores, until the next evaluation; ``None``: the trainer's present state.

    Raises:
        TrainingError: Loss or gradient was not finite again after three rollbacks.
    """
    good = trainer.snapshot() if good is None else good
    while True:
        if trainer.is_due:
            yield _evaluate(trainer)
            good = trainer.snapshot()
            if trainer.is_out_of_patience:
                yield Stopped(trainer.step, "patience")
                return
        if trainer.step >= trainer.schedule.steps:
            yield Stopped(trainer.step, "done")
            return
        yield _step(trainer, good)


def _step(trainer: Trainer, good: Snapshot) -> Stepped | RolledBack:
    wall, core, at = time.perf_counter(), time.thread_time(), trainer.step
    nats, symbols, norm = trainer.advance()
    if trainer.step == at:
        return _roll_back(trainer, good, f"loss {nats}" if not math.isfinite(nats) else f"gradient norm {norm}")
    wall, core = time.perf_counter() - wall, time.thread_time() - core
    return Stepped(trainer.step, trainer.schedule.steps, nats, symbols, norm, wall, core)


def _roll_back(trainer: Trainer, good: Snapshot, what: str) -> RolledBack:
    step, scale, rollbacks = trainer.step, trainer.scale / 2, trainer.rollbacks + 1
    if rollbacks > _MOST_ROLLBACKS:
        raise TrainingError(
            f"{what} at step {step}, after {_MOST_ROLLBACKS} rollbacks with ever smaller steps. "
            f"Try --set learning_rate={trainer.settings.learning_rate / 10:g}"
        )
    trainer.restore(good)
    trainer.scale, trainer.rollbacks = scale, rollbacks
    return RolledBack(step, trainer.step, what, scale)


def _evaluate(trainer: Trainer) -> Evaluated:
    before = time.perf_counter()
    total, count = trainer.loss_since_evaluation
    parts = {name: value / max(1, count) for name, value in trainer.parts_since_evaluation.items()}
    values = trainer.evaluate()
    is_best = trainer.note_evaluation(values)
    average, better = values.get("average"), min(values.values(), key=lambda value: value.nats)
    return Evaluated(
        trainer.step,
        trainer.schedule.steps,
        total / max(1, count),
        values["weights"].nats,
        None if average is None else average.nats,
        better.standard_error,
        is_best,
        time.perf_counter() - before,
        parts,
        dict(better.parts),
    )
