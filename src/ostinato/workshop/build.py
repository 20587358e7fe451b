"""Building what a run is made of, for the run itself and for the trials that come before it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from ostinato.codecs import Codec
from ostinato.cores.scans import SCAN_KERNELS, scan_kernels
from ostinato.data import Encoded, Stream
from ostinato.engine.cpu import has_bfloat16
from ostinato.engine.layout import PANEL
from ostinato.engine.packing import can_pack
from ostinato.errors import ConfigError, EngineError
from ostinato.families import Family
from ostinato.families.settings import TrainingSettings, train_settings
from ostinato.models import Task
from ostinato.runs import SavedModel
from ostinato.training.arrays import load_weights
from ostinato.training.device import StepTime, choose_precision, time_steps
from ostinato.training.ranks import Ranks
from ostinato.training.schedule import Schedule
from ostinato.training.trainer import Trainer
from ostinato.workshop.request import DATA_SEED, Watch
from ostinato.workshop.threads import faster_threads, using_threads, usual_threads

_TRIAL_STEPS = 1000  # of the schedule that a trial pretends to follow
_TRIED_SYMBOLS = 2**13  # of validation, from which the time for more of them is told


@dataclass(frozen=True)
class Builder:
    """Builder of the network, stream and trainer of a run and its trials.

    Attributes:
        family: The family of models that the recipe is of.
        codec: The codec.
        train: The training texts.
        valid: The validation texts.
        seed: Where the randomness of training comes from.
        device: Where to run.
        base: A saved model whose weights are the first ones; ``None`` draws them from the seed.
        ranks: The processes that train together.
        teachers: Models that are learned from as well.
        threads: Number of processor threads that train; ``None``: a trial chooses.
    """

    family: Family
    codec: Codec
    train: Encoded
    valid: Encoded
    seed: int
    device: str
    base: SavedModel | None
    ranks: Ranks
    teachers: tuple[SavedModel, ...] = ()
    threads: int | None = None

    def stream(self, settings: TrainingSettings) -> Stream:
        """Build the stream, at its start."""
        return self.family.stream(settings, self.codec, self.train, seed=self.seed)

    def model(self, settings: TrainingSettings) -> nn.Module:
        """Build the network: the base's weights, or new ones drawn from the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            model = self.family.network(settings, self.codec)
        if self.base is not None:
            try:
                load_weights(dict(model.named_parameters()), self.base.weights)
            except ValueError as error:
                raise ConfigError(
                    f"the weights of {self.base.path} do not fit these settings: {error}. "
                    "Leave the settings of its sizes as they are, or train without --from"
                ) from error
        return model.to(self.device)

    def trainer(self, settings: TrainingSettings) -> Trainer:
        """Build a trainer at its start; its schedule has no plan yet.

        Raises:
            ConfigError: There are more processes than rows.
        """
        items = self.codec.end is not None
        rows = min(settings.batch_size, self.train.texts) if items else settings.batch_size
        self.ranks.decide(lambda: self.ranks.check_rows(rows))
        return Trainer(
            self._task(settings),
            self.stream(settings),
            self.family.measure(settings, self.codec, self.valid, DATA_SEED, self.ranks),
            train_settings(settings, seed=self.seed),
            Schedule(settings.warmup, settings.cooldown),
            self.ranks,
        )

    def _task(self, settings: TrainingSettings) -> Task:
        task = self.family.task(settings, self.model(settings))
        return self.family.taught(task, self.teachers, self.codec, self.device)

    def resolved(self, settings: TrainingSettings) -> TrainingSettings:
        """Resolve ``precision = "auto"``."""
        if settings.precision != "auto":
            return settings
        core = self.family.compiled_core(settings)
        return replace(settings, precision="float32" if core is None else choose_precision(self.device, *core))

    def trial(self, settings: TrainingSettings, *, measure: bool) -> Trial:
        """Choose precision and threads; where ``measure`` is set, or threads have to be tried, time training steps."""
        settings = self.resolved(settings)
        usual = self._usual_threads(settings)
        if usual is None:
            seconds = self._step_time(settings, self.threads).seconds if measure else math.nan
            return Trial(settings, seconds, self.threads)
        if usual == 1 and not measure:
            return Trial(settings, math.nan, 1, 1)
        threads, times = faster_threads(usual, lambda count, most: self._step_time(settings, count, most))
        return Trial(settings, times[threads], threads, usual, times)

    def _usual_threads(self, settings: TrainingSettings) -> int | None:
        """Return the threads of a step on a quiet machine; ``None`` where there is nothing to choose."""
        if self.device != "cpu" or self.ranks.count > 1 or self.threads is not None:
            return None
        return usual_threads(self.products(settings), torch.get_num_threads())

    def products(self, settings: TrainingSettings) -> float:
        """Return the weights times the symbols of a training step: what its time on a CPU goes by, nearly."""
        weights = sum(parameter.numel() for parameter in self.model(settings).parameters())
        return weights * self.symbols_per_step(settings)

    def symbols_per_step(self, settings: TrainingSettings) -> float:
        """Return how many places the network runs over in a training step, on average."""
        return self.family.size(self.codec, self.train) / self.stream(settings).batches_per_epoch

    def _step_time(self, settings: TrainingSettings, threads: int | None, too_long: float = math.inf) -> StepTime:
        """Time a training step."""
        with using_threads(threads):
            trainer = self.trainer(settings)
            trainer.schedule.begin(0, _TRIAL_STEPS)
            return time_steps(lambda: _step(trainer), self.device, too_long)

    def validation(self, settings: TrainingSettings) -> dict[str, Any]:
        """Describe the part of the held-out data that is validated on, as plain data."""
        part = self.family.measure(settings, self.codec, self.valid, DATA_SEED, self.ranks)
        return {"symbols": part.symbols, "held_out": self.family.targets(self.codec, self.valid), "sha256": part.sha256}

    def evaluation_seconds(self, settings: TrainingSettings) -> float:
        """Tell how long an evaluation takes, of weights and average, from one of few symbols."""
        symbols = self.evaluated_symbols(settings)
        few = min(symbols, _TRIED_SYMBOLS)
        trainer, times = self.trainer(replace(settings, valid_symbols=few)), []
        for _ in range(2):  # the first one warms up
            before = time.perf_counter()
            trainer.evaluate()
            times.append(time.perf_counter() - before)
        return min(times) * symbols / few

    def evaluated_symbols(self, settings: TrainingSettings) -> int:
        """Return how many symbols an evaluation reads."""
        return min(settings.valid_symbols, self.family.size(self.codec, self.valid))


@dataclass(frozen=True)
class Trial:
    """The findings of setting up, before training.

    Attributes:
        settings: With the precision resolved.
        seconds: Time of a training step; not a number where none was made.
        threads: Number of processor threads that train; ``None``: as many as PyTorch uses by itself.
        usual: Their number on a quiet machine; ``None``: it was not chosen, and stays.
        times: Seconds of a step by number of threads, as far as they were tried.
    """

    settings: TrainingSettings
    seconds: float
    threads: int | None = None
    usual: int | None = None
    times: Mapping[int, float] = field(default_factory=dict)


def _step(trainer: Trainer) -> None:
    trainer.advance()


def compile_scans(device: str, core: tuple[str, int] | None, watch: Watch | None) -> list[str]:
    """Compile what training on this processor needs, if that is not done yet; return what people should know of it."""
    if device != "cpu" or core is None or not can_pack(core[0]) or core[1] % PANEL:
        return []
    began, made = time.monotonic(), 0
    types = ["fp32", *["bf16"] * has_bfloat16()]

    def compiling(what: str) -> None:
        nonlocal made
        made += 1
        if watch is not None:
            watch("compiling for this processor, which is done once", made, len(types) * len(SCAN_KERNELS))

    try:
        for precision in types:
            scan_kernels(precision, compiling)
    except EngineError as error:
        return [f"{error}; PyTorch trains instead, a core that it has no kernel for step by step"]
    return [f"compiled for this processor, in {time.monotonic() - began:.0f} s; that is done once"] if made else []
