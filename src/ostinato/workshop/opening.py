"""The opening lines of a training run: what it is, on how many threads, and whether time is short."""

from __future__ import annotations

from ostinato.data import Encoded
from ostinato.workshop.build import Trial
from ostinato.workshop.plan import Clock
from ostinato.workshop.request import Prepared
from ostinato.workshop.run import Training

_FEW = 20  # steps, from which nothing much is learned


def opening_notes(training: Training, prepared: Prepared, clock: Clock | None, trial: Trial) -> list[str]:
    """Say what a new run is, and that it ends early, or that time is short, if so."""
    told = [_describe(training, prepared.train, prepared.valid), *_busy(trial)]
    if clock is not None and training.trainer.schedule.steps >= clock.last_step:
        passes = training.settings.passes
        told.append(f"{passes:g} passes are all that so little text is good for; time will be left")
        return told
    return [*told, *short_notes(training, clock)]


def short_notes(training: Training, clock: Clock | None) -> list[str]:
    """Say that setting up has taken most of the time, or that few steps fit, if so."""
    steps = training.trainer.schedule.steps - training.trainer.step
    if clock is None or (clock.left >= clock.budget / 2 and steps >= _FEW):
        return []
    return [
        f"warning: setting up took {clock.budget - clock.left:.0f} s of {clock.budget:.0f} s; "
        f"{counted(steps, 'training step')} will fit in what is left. Give more --minutes, or make the model smaller: "
        "--set hidden_size=128"
    ]


def _busy(trial: Trial) -> list[str]:
    """Say that more threads do not help at the moment, if so."""
    if trial.usual in (None, trial.threads) or trial.threads is None or trial.usual is None:
        return []
    for_now = f"{counted(trial.threads, 'thread')} for now, and {trial.usual} are tried"
    if trial.usual not in trial.times:
        return [f"other programs are busy on every core: {for_now} once one is free"]
    return [f"another program seems to keep a core busy, so that {trial.usual} threads wait for it: {for_now} again"]


def _describe(training: Training, train_data: Encoded, valid_data: Encoded) -> str:
    settings, codec = training.settings, training.codec
    count = sum(p.numel() for p in training.trainer.task.module.parameters())
    family = training.family
    return (
        f"{family.describe_network(settings)}, {count:,} parameters, "
        f"{codec.symbols}; {family.describe_data(codec, train_data)} to learn from, "
        f"{family.describe_data(codec, valid_data)} held out, of which {training.validation['symbols']:,} "
        f"{family.unit}s spread over them are validated on; "
        f"learning rate {settings.learning_rate:g}, "
        f"{settings.precision} on {training.device}{_threads_of(training)}; "
        f"{training.trainer.schedule.steps:,} training steps"
    )


def _threads_of(training: Training) -> str:
    threads = training.trainer.threads
    return f", {counted(threads[-1][1], 'thread')}" if threads else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 thread" and "2 threads"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
