"""One training run in memory: parameters, optimiser, average, carried state, and the step that moves them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ostinato.cores.state import detach, map_state, tensors
from ostinato.data import Stream
from ostinato.models.randomness import Randomness
from ostinato.models.task import Context, Loss, Task
from ostinato.training.arrays import load_weights, to_array
from ostinato.training.optimizers import new_optimizer
from ostinato.training.ranks import Alone, Ranks
from ostinato.training.schedule import Schedule
from ostinato.training.settings import TrainSettings
from ostinato.training.snapshot import Arrays, Snapshot
from ostinato.training.validation import Measured


class Trainer:
    """Trainer of a task's parameters, one batch of a stream at a time.

    Args:
        task: Task to learn.
        stream: Stream of batches.
        validate: Function that measures the validation loss, which decides which weights are best.
        settings: Settings of training.
        schedule: The learning rate over time, with its first plan made.
        ranks: The processes that train together; ``None``: this one alone.

    Attributes:
        step: Number of steps taken so far.
        symbols: Number of targets trained on.
        evaluate_every: Steps between two evaluations.
        evaluated: The step of the last evaluation.
        loss_since_evaluation: Summed loss, in nats, and number of targets since then.
        parts_since_evaluation: Sums of the named parts of the loss since then.
        scale: Factor of the learning rate; every rollback halves it.
        rollbacks: Number of rollbacks.
        best: Step, kind of weights and validation loss of the best evaluation, with its standard error.
        best_of_schedule: The best validation loss since the learning rate began to fall.
        evaluations_without_best: Number of evaluations since then.
        threads: Pairs of a step and the number of processor threads from it on, in order; empty where nobody chose.
        keeps_threads: Whether their number was given, so that it stays the same on a busy machine.
    """

    def __init__(
        self,
        task: Task,
        stream: Stream,
        validate: Callable[[Task], Measured],
        settings: TrainSettings,
        schedule: Schedule,
        ranks: Ranks | None = None,
    ) -> None:
        self.ranks = Alone() if ranks is None else ranks
        self.task, self.stream, self.settings, self.schedule = task, stream, settings, schedule
        self._validate = validate
        self._parameters = dict(task.module.named_parameters())
        self._optimizer = new_optimizer(self._parameters, settings)
        self._average = {n: p.detach().clone() for n, p in self._parameters.items()} if settings.average else {}
        self._state: Any = None
        self.step = self.symbols = self.evaluated = self.rollbacks = self.evaluations_without_best = 0
        self.evaluate_every = 1
        self.loss_since_evaluation, self.parts_since_evaluation = (0.0, 0), dict[str, float]()
        self.scale = 1.0
        self.best: dict[str, Any] | None = None
        self.best_of_schedule: float | None = None
        self.threads: list[tuple[int, int]] = []
        self.keeps_threads = False
        task.module.train()

    def advance(self) -> tuple[float, int, float]:
        """Take one training step.

        Returns:
            The batch's loss in nats per symbol, its number of symbols, and the gradient's norm before
            clipping. If loss or norm is not finite, no parameter was changed.
        """
        whole = self.stream.next()
        batch, count = self.ranks.part(whole), whole.count
        state = self.task.initial_state(batch.rows) if self._state is None else self._state
        random = Randomness(self.settings.seed, self.step, self.ranks.rows(whole.rows).start)
        context = Context(random, training=True, progress=self.schedule.progress(self.step))
        self._optimizer.clear_gradients()
        loss, state = self.task.loss(batch, state, context)
        mean = loss.total / count  # of the batch of all ranks, of which this one has a part
        mean.backward()  # type: ignore[no-untyped-call]
        value = self.ranks.add_gradients(list(self._parameters.values()), mean)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters.values(), self.settings.clip)
        length = norm.item()
        if math.isfinite(value) and math.isfinite(length):
            rate = self.settings.learning_rate * self.scale * self.schedule.factor(self.step)
            self._optimizer.step(rate)
            self._state = detach(state)
            self.step += 1
            self.symbols += count
            self._note_loss(value, count, loss)
            self._follow()
        return value, count, length

    def _note_loss(self, value: float, count: int, loss: Loss) -> None:
        """Add a step's loss, and its parts in all processes, to the sums since the last evaluation."""
        nats, targets = self.loss_since_evaluation
        self.loss_since_evaluation = (nats + value * count, targets + count)
        if not loss.parts:
            return
        sums = self.ranks.total(*(part.sum().item() for part in loss.parts.values()))
        known = self.parts_since_evaluation
        self.parts_since_evaluation = {
            name: known.get(name, 0.0) + more for name, more in zip(loss.parts, sums, strict=True)
        }

    def evaluate(self) -> dict[str, Measured]:
        """Return the validation loss of the weights, and of their average."""
        losses = {"weights": self._validate(self.task)}
        if self._average:
            with self.averaged():
                losses["average"] = self._validate(self.task)
        return losses

    @property
    def is_due(self) -> bool:
        """Whether an evaluation belongs here and has not been made yet; one shortly before the end is left out."""
        since = self.step - self.evaluated
        if self.step >= self.schedule.steps:
            return since > 0
        return since >= self.evaluate_every and 2 * (self.schedule.steps - self.step) >= self.evaluate_every

    @property
    def is_out_of_patience(self) -> bool:
        """Whether training stops before its end, after ``patience`` evaluations without a new best."""
        patience = self.settings.patience
        if patience is None or self.step >= self.schedule.steps:
            return False
        return self.evaluations_without_best >= patience

    def note_evaluation(self, losses: dict[str, Measured]) -> bool:
        """Record an evaluation; return whether it is the best so far. A loss that is not finite never is."""
        self.evaluated = self.step
        self.loss_since_evaluation, self.parts_since_evaluation = (0.0, 0), {}
        finite = {name: loss for name, loss in losses.items() if math.isfinite(loss.nats)}
        kind = min(finite, key=lambda name: finite[name].nats, default=None)
        self._note_patience(None if kind is None else finite[kind].nats)
        if kind is None or (self.best is not None and finite[kind].nats >= self.best["nats_per_symbol"]):
            return False
        best = finite[kind]
        self.best = {
            "step": self.step,
            "weights": kind,
            "nats_per_symbol": best.nats,
            "standard_error": best.standard_error,
        }
        return True

    def _note_patience(self, loss: float | None) -> None:
        """Count evaluations without a new best, from where the learning rate begins to fall."""
        if not self.schedule.is_falling(self.step):
            return
        if loss is not None and (self.best_of_schedule is None or loss < self.best_of_schedule):
            self.best_of_schedule, self.evaluations_without_best = loss, 0
        else:
            self.evaluations_without_best += 1

    def use_threads(self, count: int) -> None:
        """Record that ``count`` processor threads train from this step on."""
        kept = [entry for entry in self.threads if entry[0] < self.step]
        self.threads = kept if kept and kept[-1][1] == count else [*kept, (self.step, count)]

    def begin_schedule(self, steps: int) -> None:
        """Start a new schedule that ends at step ``steps``; patience counts from here.

        The next schedule of a run that has learned already has no warm-up and no flat part: its rate falls from the
        start, which loses little of what was learned.
        """
        self.schedule.begin(self.step, steps, falling=self.step > 0)
        self.best_of_schedule, self.evaluations_without_best = None, 0

    def averaged(self) -> _Swapped:
        """Put the averaged weights in place while a ``with`` block runs."""
        return _Swapped(self._parameters, self._average)

    def snapshot(self) -> Snapshot:
        """Return a copy of everything that a resumed run needs; all ranks call this together, and get the whole."""
        plain = {
            "step": self.step,
            "symbols": self.symbols,
            "evaluate_every": self.evaluate_every,
            "evaluated": self.evaluated,
            "loss_since_evaluation": list(self.loss_since_evaluation),
            "parts_since_evaluation": dict(self.parts_since_evaluation),
            "position": self.stream.position(),
            "plans": [list(plan) for plan in self.schedule.plans],
            "scale": self.scale,
            "rollbacks": self.rollbacks,
            "best": self.best,
            "best_of_schedule": self.best_of_schedule,
            "evaluations_without_best": self.evaluations_without_best,
            "threads": [list(entry) for entry in self.threads],
            "keeps_threads": self.keeps_threads,
        }
        carried = [] if self._state is None else tensors(self._state)
        return Snapshot(
            weights={name: to_array(value) for name, value in self._parameters.items()},
            average={name: to_array(value) for name, value in self._average.items()},
            optimizer=self._optimizer.arrays(),
            carried_state={str(number): self.ranks.gather(to_array(leaf)) for number, leaf in enumerate(carried)},
            plain=plain,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Restore the state of a snapshot."""
        plain = snapshot.plain
        load_weights(self._parameters, snapshot.weights)
        load_weights(self._average, snapshot.average)
        self._optimizer.restore(snapshot.optimizer)
        self.stream.seek(plain["position"])
        self.schedule.plans = [(int(at), float(progress), int(steps)) for at, progress, steps in plain["plans"]]
        self.step, self.symbols = plain["step"], plain["symbols"]
        self.evaluate_every, self.evaluated = plain["evaluate_every"], plain["evaluated"]
        nats, targets = plain["loss_since_evaluation"]
        self.loss_since_evaluation, self.parts_since_evaluation = (nats, targets), dict(plain["parts_since_evaluation"])
        self.scale, self.rollbacks = plain["scale"], plain["rollbacks"]
        self.best, self.best_of_schedule, self.evaluations_without_best = (
            plain["best"],
            plain["best_of_schedule"],
            plain["evaluations_without_best"],
        )
        self.threads = [(int(step), int(count)) for step, count in plain["threads"]]
        self.keeps_threads = plain["keeps_threads"]
        self._state = self._restored_state(snapshot.carried_state)

    def _restored_state(self, arrays: Arrays) -> Any:
        if not arrays:
            return None
        leaves = iter(sorted(arrays.items(), key=lambda item: int(item[0])))
        rows = self.ranks.rows(len(next(iter(arrays.values()))))
        shape = self.task.initial_state(rows.stop - rows.start)
        if [tuple(leaf.shape[1:]) for leaf in tensors(shape)] != [array.shape[1:] for array in arrays.values()]:
            raise ValueError("the carried state is of another network")
        return map_state(lambda leaf: torch.from_numpy(next(leaves)[1][rows].copy()).to(leaf.device), shape)

    def _follow(self) -> None:
        """Move the average towards the weights; at first quickly, so that it forgets the beginning."""
        if self._average:
            decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                torch._foreach_lerp_(list(self._average.values()), list(self._parameters.values()), 1 - decay)


class _Swapped:
    """Context manager that exchanges the values of parameters."""

    def __init__(self, parameters: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
        self._parameters, self._values = parameters, values
        self._own: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        self._own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._put(self._values)

    def __exit__(self, *_: object) -> None:
        self._put(self._own)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._parameters[name].copy_(value)
