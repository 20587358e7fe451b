"""From a corpus and a budget to a run that is ready to train: codec, sizes, device, precision, number of steps."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ostinato import codecs, config
from ostinato.codecs import Unknown
from ostinato.data import Corpus, Encoded, Stream, build_stream, encode_texts, read_corpus, split
from ostinato.errors import ConfigError
from ostinato.models import LanguageModel, LanguageModelTask
from ostinato.recipes import Budget, LanguageModelSettings, find_recipe
from ostinato.recipes.language_model import build_model, build_task, learn_codec, train_settings
from ostinato.runs import RunFolder, SavedModel, read_model
from ostinato.training.schedule import Schedule
from ostinato.training.trainer import Trainer, load_weights
from ostinato.training.validation import Validation
from ostinato.workshop.budget import Amount, Clock
from ostinato.workshop.device import Precision, choose_device, faster_precision, seconds_per_step
from ostinato.workshop.training import Training

_EVALUATIONS = 8  # in a run
_MOST_SECONDS_BETWEEN = 120.0  # evaluations, where time is known
_RESERVE = 1.0  # seconds for what comes after the last evaluation
_RESERVE_ITEMS = 4.0  # the same, when sampled items are checked for being new
_CHECKPOINT = 0.2  # seconds, until the first one is measured


@dataclass(frozen=True)
class Order:
    """What a user asks of a new run.

    Attributes:
        out: Where the run folder shall be.
        recipe: Name of the recipe.
        amount: How much to train.
        settings: Settings that are not to be chosen, as plain data.
        seed: Where all randomness comes from.
        valid: A share of the corpus to set apart, or another corpus, for validation.
        base: A run or model file to start from.
        unknown: What to do with symbols that the base's codec does not know.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        command: What the user typed, for the record.
        started: When the process began, by ``time.monotonic()``; a time budget counts from there.
    """

    out: Path
    recipe: str = "char-lm"
    amount: Amount = field(default_factory=Amount)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 1
    valid: float | Corpus = 0.1
    base: Path | None = None
    unknown: Unknown = "error"
    device: str = "auto"
    command: str = ""
    started: float | None = None


def train(
    corpus: str | Sequence[str] | Corpus,
    *,
    out: str | Path,
    minutes: float | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    base: str | Path | None = None,
    **options: Any,
) -> Training:
    """Set up a run; iterate over the result to train, or call its ``to_end()``.

    Args:
        corpus: Files, folders, globs or the name of an embedded corpus; or a corpus that was read.
        out: Where the run folder shall be.
        minutes: Wall time of all, set-up included; without any amount it is 3 minutes.
        epochs: Instead: passes over the training data.
        steps: Instead: training steps.
        base: A run or model file to start from.
        options: ``recipe``, ``settings`` (a mapping), ``seed``, ``valid``, ``device``, as of ``Order``.

    Raises:
        ConfigError: A setting is unknown or out of range.
        CorpusError: The corpus cannot be read, or is too little.
        RunError: ``out`` exists already, or cannot be written.
    """
    if not isinstance(corpus, Corpus):
        corpus = read_corpus([corpus] if isinstance(corpus, str) else list(corpus))
    amount = Amount(minutes, epochs, steps)
    order = Order(Path(out), amount=amount, base=None if base is None else Path(base), **options)
    return set_up(corpus, order)


def set_up(corpus: Corpus, order: Order) -> Training:
    """Do everything that comes before the first step, and make the run folder."""
    started = time.monotonic() if order.started is None else order.started
    base = None if order.base is None else read_model(order.base)
    train_part, valid_part = _parts(corpus, order)
    settings = _settings(train_part, order, base)
    codec = _codec(settings, train_part, valid_part, base)
    train_data, valid_data = (
        encode_texts(codec, [codec.adapt(text, order.unknown) for text in part.texts])
        for part in (train_part, valid_part)
    )
    bench = _Bench(settings, codec, train_data, valid_data, order.seed, choose_device(order.device), base)
    settings, seconds = bench.trial(measure=order.amount.steps is None and order.amount.epochs is None)
    clock = None
    if order.amount.steps is None and order.amount.epochs is None:
        deadline = started + 60 * order.amount.expected_minutes
        reserve = _RESERVE if codec.end is None else _RESERVE_ITEMS
        clock = Clock(deadline, reserve, bench.evaluation_seconds() + _CHECKPOINT)
    steps, evaluate_every = _plan(order.amount, bench.stream(settings), clock, seconds)
    about = {
        "recipe": order.recipe if base is None else base.config["recipe"],
        "settings": config.write(settings),
        "evaluate_every": evaluate_every,
        "seed": order.seed,
        "device": bench.device,
        "threads": torch.get_num_threads(),
    }
    run = RunFolder.create(
        order.out,
        config=about,
        codec=codec.to_json(),
        origin=_origin(corpus, order, base),
        train=train_data,
        valid=valid_data,
    )
    training = Training(run, bench.trainer(settings, Schedule(settings.warmup), evaluate_every), codec, clock=clock)
    training.trainer.schedule.begin(0, steps)
    training.notes = [*corpus.notes, _describe(settings, codec, training, train_data, valid_data)]
    training.save()
    return training


def resume(
    path: str | Path, *, minutes: float | None = None, device: str | None = None, started: float | None = None
) -> Training:
    """Set a run up to go on exactly where it stopped.

    Args:
        path: The run folder.
        minutes: Train so long from now on. A finished run starts a new schedule; one that is not
            finished has its end moved. ``None`` keeps the plan of an unfinished run.
        device: Another device than the run's own.
        started: When the process began, by ``time.monotonic()``.

    Raises:
        ConfigError: The run is finished and no minutes are given.
        RunError: There is no run, it is damaged, or in use.
    """
    run = RunFolder(Path(path))
    about = run.config()
    with run.locked():
        checkpoint, warnings = run.load_latest()
        run.cut_metrics(checkpoint.metrics_bytes)
    if minutes is None and (end := run.finished()) is not None:
        raise ConfigError(
            f"{run.path} is finished (step {end['step']}, {end['reason']}). To train it further: "
            f"ostinato resume {run.path} --minutes 5"
        )
    settings = config.read(LanguageModelSettings, about["settings"], where=f"{run.path}/config.json")
    codec = codecs.from_json(run.codec())
    bench = _Bench(settings, codec, *run.corpus(), about["seed"], choose_device(device or about["device"]), None)
    trainer = bench.trainer(settings, Schedule(settings.warmup), about["evaluate_every"])
    clock = None
    if minutes is not None:
        reserve = _RESERVE if codec.end is None else _RESERVE_ITEMS
        begun = time.monotonic() if started is None else started
        clock = Clock(
            begun + 60 * Amount(minutes=minutes).expected_minutes, reserve, bench.evaluation_seconds() + _CHECKPOINT
        )
        _, seconds = bench.trial(measure=True)
    trainer.restore(checkpoint.snapshot)
    if clock is not None:
        steps = trainer.step + max(1, clock.steps_left(seconds, about["evaluate_every"]))
        move = trainer.schedule.begin if run.finished() else trainer.schedule.replan
        move(trainer.step, steps)
        trainer.stale = 0
    training = Training(run, trainer, codec, clock=clock)
    training.notes = [*warnings, f"going on at step {trainer.step} of {trainer.schedule.steps}"]
    return training


class _Bench:
    """What trials and the run itself are built from."""

    def __init__(
        self,
        settings: LanguageModelSettings,
        codec: codecs.Codec,
        train_data: Encoded,
        valid_data: Encoded,
        seed: int,
        device: str,
        base: SavedModel | None,
    ) -> None:
        self._settings, self._codec = settings, codec
        self._train, self._seed, self._base = train_data, seed, base
        self.device = device
        self._validate = Validation(valid_data, codec.begin, items=codec.end is not None, limit=settings.valid_symbols)

    def stream(self, settings: LanguageModelSettings) -> Stream:
        """Build the stream, at its start."""
        return build_stream(
            self._train,
            self._codec.begin,
            items=self._codec.end is not None,
            batch_size=settings.batch_size,
            window=settings.window,
            seed=self._seed,
            restart=settings.restart,
        )

    def model(self) -> LanguageModel:
        """Build the network: the base's weights, or new ones drawn from the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            model = build_model(self._settings, self._codec.size)
        if self._base is not None:
            load_weights(dict(model.named_parameters()), self._base.weights)
        return model.to(self.device)

    def trainer(self, settings: LanguageModelSettings, schedule: Schedule, evaluate_every: int) -> Trainer:
        """Build a trainer at its start."""
        task = build_task(settings, self.model())
        moves = train_settings(settings, evaluate_every=evaluate_every, seed=self._seed)
        return Trainer(task, self.stream(settings), self._validate, moves, schedule)

    def trial(self, *, measure: bool) -> tuple[LanguageModelSettings, float]:
        """Resolve the precision by trial, and measure the seconds of a training step if needed or asked for."""
        trainers: dict[str, Trainer] = {}

        def step(precision: Precision) -> None:
            if precision not in trainers:
                schedule = Schedule(self._settings.warmup)
                schedule.begin(0, 1000)
                trainers[precision] = self.trainer(replace(self._settings, precision=precision), schedule, 1000)
            trainers[precision].advance()

        wanted = self._settings.precision
        if wanted == "auto":
            precision, seconds = faster_precision(step, self.device)
            return replace(self._settings, precision=precision), seconds
        fixed: Precision = wanted
        return self._settings, seconds_per_step(lambda: step(fixed), self.device) if measure else math.nan

    def evaluation_seconds(self) -> float:
        """Measure how long an evaluation takes, of weights and average."""
        model = self.model()
        task = LanguageModelTask(model, build_task(replace(self._settings, precision="float32"), model).dropout)
        before = time.perf_counter()
        self._validate(task)
        return (time.perf_counter() - before) * (2 if self._settings.average else 1)


def _parts(corpus: Corpus, order: Order) -> tuple[Corpus, Corpus]:
    if isinstance(order.valid, Corpus):
        return corpus, order.valid
    return split(corpus, share=order.valid, seed=order.seed)


def _settings(train_part: Corpus, order: Order, base: SavedModel | None) -> LanguageModelSettings:
    recipe = find_recipe(order.recipe if base is None else base.config["recipe"])
    budget = Budget(train_part.size, train_part.kind == "items", order.amount.expected_minutes)
    chosen = recipe.choose(budget, order.settings) if base is None else base.config["settings"]
    return config.read(recipe.settings, {**chosen, **order.settings}, where="the settings given")


def _codec(
    settings: LanguageModelSettings, train_part: Corpus, valid_part: Corpus, base: SavedModel | None
) -> codecs.Codec:
    if base is not None:
        codec = codecs.from_json(base.codec)
        if (codec.end is not None) != (train_part.kind == "items"):
            kinds = {True: "items", False: "running text"}
            raise ConfigError(
                f"{base.path} is a model of {kinds[codec.end is not None]}, the corpus is "
                f"{kinds[train_part.kind == 'items']}; force its kind with --as"
            )
        return codec
    # An alphabet says nothing about the text, so that of the validation part may be known as well.
    texts = [*train_part.texts, *(valid_part.texts if settings.codec == "characters" else ())]
    return learn_codec(settings, texts, end=train_part.kind == "items")


def _plan(amount: Amount, stream: Stream, clock: Clock | None, seconds: float) -> tuple[int, int]:
    """Return the number of steps, and how many lie between two evaluations."""
    if clock is None:
        steps = amount.steps or math.ceil((amount.epochs or 0) * stream.batches_per_epoch)
        return steps, max(1, math.ceil(steps / _EVALUATIONS))
    left = clock.deadline - clock.now() - clock.reserve - _EVALUATIONS * clock.evaluation
    steps = max(1, int(left / seconds))
    most = max(1, int(_MOST_SECONDS_BETWEEN / seconds))
    return steps, max(1, min(math.ceil(steps / _EVALUATIONS), most))


def _origin(corpus: Corpus, order: Order, base: SavedModel | None) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "sources": list(corpus.sources),
        "valid_sources": list(order.valid.sources) if isinstance(order.valid, Corpus) else [],
        "valid_share": None if isinstance(order.valid, Corpus) else order.valid,
        "base": None if base is None else {"name": base.path.name, **base.best},
        "command": order.command,
        "versions": {name: version(name) for name in ("ostinato", "torch", "numpy")},
        "python": platform.python_version(),
    }


def _describe(
    settings: LanguageModelSettings, codec: codecs.Codec, training: Training, train_data: Encoded, valid_data: Encoded
) -> str:
    count = sum(p.numel() for p in training.trainer.task.module.parameters())
    return (
        f"{settings.layers}×{settings.hidden_size} {settings.core}, {count:,} parameters, "
        f"dropout {settings.dropout:g}, "
        f"{codec.size} {codec.name}; {len(train_data.ids):,} symbols to learn from, "
        f"{len(valid_data.ids):,} to validate; "
        f"{settings.batch_size} rows × {settings.window} steps, learning rate {settings.learning_rate:g}, "
        f"{settings.precision} on {training.device}; {training.trainer.schedule.steps:,} training steps"
    )
