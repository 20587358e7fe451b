"""A training run as its user holds it: iterate to train; everything is saved on the way."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch

from ostinato import config
from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.engine.watching import Switch, ThreadWatch
from ostinato.errors import LostRankError, RunError
from ostinato.families import find_recipe
from ostinato.runs import RunFolder
from ostinato.runs.series import Series
from ostinato.training.loop import Evaluated, Event, RolledBack, Stepped, Stopped
from ostinato.training.loop import train as train_loop
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer
from ostinato.units import bits
from ostinato.workshop.holding import load
from ostinato.workshop.plan import Clock
from ostinato.workshop.threads import set_threads, using_threads

_RECENT = 200  # steps whose mean time is the present speed
_RANKS_ASK = 16  # steps after which several processes ask the first one's clock
_SPEED_SECONDS, _SPEED_STEPS = 8.0, 5  # of the steps that a plan is made by


@dataclass(frozen=True)
class Sampled:
    """A short sample was made with the present weights.

    Attributes:
        step: When.
        text: The sample.
    """

    step: int
    text: str


@dataclass(frozen=True)
class Saved:
    """A checkpoint was published.

    Attributes:
        step: When.
    """

    step: int


@dataclass(frozen=True)
class Interrupted:
    """Training was asked to stop, and has stopped with a checkpoint.

    Attributes:
        step: When.
    """

    step: int


@dataclass(frozen=True)
class ThreadsChanged:
    """Training goes on with another number of processor threads, as the machine has become busy or quiet.

    Attributes:
        step: When.
        before: Their number until now.
        threads: Their number from now on.
        gain: The factor by which a step gets faster.
    """

    step: int
    before: int
    threads: int
    gain: float


TrainingEvent: TypeAlias = Event | Sampled | Saved | Interrupted | ThreadsChanged


class Training:
    """A run that is set up and ready: iterate over it to train.

    A checkpoint is published at every evaluation, so after a crash ``ostinato.resume`` goes on from
    there. Leaving the loop between two events and calling ``save`` loses nothing.

    Attributes:
        run: The run folder.
        trainer: The run in memory.
        recipe: The recipe.
        family: The family of models that is trained.
        settings: Every setting, resolved.
        validation: The part of the held-out data that is validated on: ``symbols``, ``held_out`` in all, ``sha256``.
        metrics: The last evaluation, as it stands in metrics.jsonl.
        notes: Choices and findings of setting up, to be shown.
    """

    def __init__(
        self,
        run: RunFolder,
        trainer: Trainer,
        codec: Codec,
        *,
        train_data: Encoded,
        valid_data: Encoded,
        clock: Clock | None,
        threads: ThreadWatch | None = None,
        good: Snapshot | None = None,
    ) -> None:
        self.run, self.trainer, self.codec = run, trainer, codec
        self._good = good
        self.notes: list[str] = []
        self.metrics: dict[str, Any] = {}
        about = run.config()
        self.recipe = recipe = find_recipe(about["recipe"])
        self.family = recipe.family
        self.settings = config.read(recipe.settings, about["settings"], where=f"{run.path}/config.json")
        self.device: str = about["device"]
        self.validation: dict[str, Any] = about["validation"]
        self._clock, self._threads, self._keeps_threads = clock, threads, trainer.keeps_threads
        self._at, self._seconds_aside = trainer.step, 0.0
        self._ranks = trainer.ranks
        self._train_data, self._valid_data = train_data, valid_data
        self._series = Series.in_run(run.path)
        self._symbols = self.family.targets(codec, train_data)
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)

    def __repr__(self) -> str:
        best = self.trainer.best
        loss = "" if best is None else f", best {bits(best['nats_per_symbol']):.3f} bits per {self.family.unit}"
        at = f"step {self.trainer.step:,} of {self.trainer.schedule.steps:,}"
        return f"<Training {self.run.path}: {self.recipe.name}, {at}{loss}>"

    def __iter__(self) -> Iterator[TrainingEvent]:
        with self.run.locked() if self._ranks.is_first else nullcontext():
            self._ranks.decide(self._check_place)
            try:
                with using_threads(self._recorded_threads()):
                    yield from self._follow()
            except LostRankError as error:
                raise LostRankError(
                    f"{error}. Everything up to step {max(self.run.steps(), default=0)} is saved; start the processes "
                    f"again to go on from there: torchrun … -m ostinato resume {self.run.path}"
                ) from error

    def ask_to_stop(self) -> None:
        """Stop after the training step at hand, with a checkpoint; all processes that train together stop there."""
        self._ranks.asked = True

    def save(self) -> None:
        """Publish a checkpoint of the present state, if there is none yet."""
        snapshot = self.trainer.snapshot()
        self._ranks.decide(lambda: self.run.save(snapshot))

    def to_end(self) -> Any:
        """Train to the end and return the best model, as ``ostinato.load`` does."""
        for _ in self:
            pass
        return load(self.run.path)

    @property
    def symbols_per_second(self) -> float:
        """Symbols trained on per second, of the last steps."""
        return sum(symbols for _, symbols in self._recent) / max(1e-9, sum(seconds for seconds, _ in self._recent))

    @property
    def seconds_left(self) -> float:
        """Seconds until training ends, by the present speed; under a time budget never more than is left of it."""
        trainer = self.trainer
        left = trainer.schedule.steps - trainer.step
        seconds = left * self._seconds_per_step() if self._recent and left > 0 else 0.0
        return seconds if self._clock is None else min(seconds, max(0.0, self._clock.left))

    @property
    def epochs(self) -> float:
        """Number of passes over the training data."""
        return self.trainer.symbols / self._symbols

    @property
    def is_alone(self) -> bool:
        """Whether no other process trains together with this one."""
        return self._ranks.count == 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks, of those that train together."""
        return self._ranks.is_first

    def _check_place(self) -> None:
        if max(self.run.steps(), default=self._at) > self._at:
            raise RunError(f"{self.run.path} was trained further by another process meanwhile; resume it anew")

    def _keep_in_series(self, step: int, *, is_last: bool = False) -> None:
        """Keep the present weights, if the run keeps a series and this is one of its steps."""
        if self._series is None or step in self._series.steps or not (is_last or self._series.is_due(step)):
            return
        series, weights = self._series, self.trainer.snapshot().weights  # by all processes together
        self._ranks.decide(lambda: series.save(step, weights))

    def _follow(self) -> Iterator[TrainingEvent]:
        self._keep_in_series(self.trainer.step)
        for event in train_loop(self.trainer, self._good):
            switch = None
            if isinstance(event, Stepped):
                self._recent.append((event.seconds, event.symbols))
                self._keep_in_series(event.step)
                switch = self._watch_threads(event)
                # After a switch the speed is not known yet, so no plan is asked for.
                if self._clock is not None and self._recent and self._plan_is_due(self._clock, event.step):
                    self._replan(self._clock)
            elif isinstance(event, Evaluated):
                started = time.perf_counter()
                self.metrics = self._metrics(event)
                self._seconds_aside = time.perf_counter() - started
                self._ranks.decide(lambda: self.run.append_metrics(self.metrics))
            yield event
            if switch is not None:
                yield ThreadsChanged(event.step, switch.before, switch.threads, switch.gain)
            if isinstance(event, Evaluated):
                yield from self._after_evaluation(event)
            elif isinstance(event, RolledBack):
                self._recent.clear()
                self._follow_record()
                if self._series is not None:
                    self._ranks.decide(partial(self._series.cut, event.to_step))
            elif isinstance(event, Stopped):
                self._keep_in_series(event.step, is_last=True)
                self._finish(event)
            elif self._ranks.stopping:
                self.save()
                yield Interrupted(event.step)
                return

    def _metrics(self, event: Evaluated) -> dict[str, Any]:
        best = self.trainer.best or {}
        return {
            "step": event.step,
            "steps": event.steps,
            "epochs": round(self.epochs, 4),
            "train_nats_per_symbol": _finite(event.train_nats_per_symbol),
            "valid_nats_per_symbol": _finite(event.valid_nats_per_symbol),
            "valid_average_nats_per_symbol": _finite(event.average_nats_per_symbol),
            "standard_error": _finite(event.standard_error),
            "train_parts": {name: _finite(value) for name, value in event.train_parts.items()},
            "valid_parts": {name: _finite(value) for name, value in event.valid_parts.items()},
            "valid_figures": self._ranks.decide(self._figures),
            "best_nats_per_symbol": best.get("nats_per_symbol"),
            "best_standard_error": best.get("standard_error"),
            "is_best": event.is_best,
            "symbols_per_second": round(self.symbols_per_second, 1),
            "unix_seconds": round(time.time(), 3),
        }

    def _after_evaluation(self, event: Evaluated) -> Iterator[TrainingEvent]:
        started = time.perf_counter()
        text = self._ranks.decide(lambda: self._write_sample(event.step))
        yield Sampled(event.step, text)
        if self._clock is not None:
            self._replan(self._clock)
        self.save()
        yield Saved(event.step)
        if self._clock is not None:
            self._clock.note_evaluation(event.seconds + self._seconds_aside + time.perf_counter() - started)

    def _plan_is_due(self, clock: Clock, step: int) -> bool:
        """Whether it is time for a new plan; of several processes the first one's clock counts, asked now and then."""
        if self._ranks.count == 1:
            return clock.is_due()
        return step % _RANKS_ASK == 0 and self._ranks.decide(clock.is_due)

    def _replan(self, clock: Clock) -> None:
        schedule, at = self.trainer.schedule, self.trainer.step
        # Where the rate is down to nothing more steps would change nothing; after a switch the speed is not known yet.
        if at >= schedule.steps or not self._recent:
            return
        speed = self._seconds_per_step()
        every = self._ranks.decide(lambda: clock.evaluate_every(speed))
        most = int(min(clock.last_step - at, 2**62))
        left = self._ranks.decide(lambda: min(most, clock.corrected(schedule.steps - at, speed, every)))
        if at + left != schedule.steps:
            schedule.replan(at, at + left)
        self.trainer.evaluate_every = every

    def _seconds_per_step(self) -> float:
        """Mean time of the last steps: of those of the last seconds, but of some at least."""
        total, count = 0.0, 0
        for seconds, _ in reversed(self._recent):
            total, count = total + seconds, count + 1
            if total > _SPEED_SECONDS and count >= _SPEED_STEPS:
                break
        return total / count

    def _recorded_threads(self) -> int | None:
        """Return the threads that train by the run's record; ``None`` where nobody chose."""
        return self.trainer.threads[-1][1] if self.trainer.threads else None

    def _watch_threads(self, event: Stepped) -> Switch | None:
        """Note how long a step took, and let the next one have as many threads as is best now."""
        if self._threads is None:
            return None
        before = self._threads.count
        switch = self._threads.take(event.seconds, on_core=event.core_seconds)
        if self._threads.count != before:
            self.trainer.use_threads(self._threads.count)
            set_threads(self._threads.count)
        if switch is not None:
            self._recent.clear()
        return switch

    def _follow_record(self) -> None:
        """After a rollback: have as many threads as at the step that was gone back to, unless their number is given."""
        count = self._recorded_threads()
        if count is None:
            return
        self.trainer.keeps_threads = self._keeps_threads
        if self._keeps_threads:
            self.trainer.use_threads(torch.get_num_threads())
        elif self._threads is not None:
            self._threads = ThreadWatch(self._threads.usual, count, self._threads.planned)
            set_threads(count)

    def _finish(self, event: Stopped) -> None:
        self.save()  # nothing to do unless a plan was cut short: the last evaluation saved already
        self._ranks.decide(lambda: self._mark_finished(event))

    def _mark_finished(self, event: Stopped) -> None:
        self.run.mark_finished(event.step, event.reason)
        self.family.finish(self.run, self._train_data)

    def _figures(self) -> dict[str, float]:
        return self.family.figures(self.trainer.task.module, self.codec, self._valid_data)

    def _write_sample(self, step: int) -> str:
        text = self.family.glimpse(self.trainer.task.module, self.codec, self._valid_data, step)
        self.run.write_sample(step, text)
        return text


def _finite(value: float | None) -> float | None:
    """JSON has no word for a number that is not finite."""
    return value if value is not None and math.isfinite(value) else None
