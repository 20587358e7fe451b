"""From a corpus and a budget to a run that is ready to train: codec, sizes, device, precision, number of steps."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ostinato import codecs, config
from ostinato.codecs import Unknown
from ostinato.config import at_least
from ostinato.data import Corpus, Encoded, Stream, encode_texts, read_corpus, split
from ostinato.errors import ConfigError, CorpusError
from ostinato.recipes import Budget, LanguageModelSettings, find_recipe
from ostinato.recipes.language_model import learn_codec
from ostinato.runs import RunFolder, SavedModel, read_model
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer
from ostinato.workshop.budget import Amount, Clock
from ostinato.workshop.building import Builder
from ostinato.workshop.device import choose_device
from ostinato.workshop.training import Training

_EVALUATIONS = 8  # in a run
_OF_THE_CODEC = ("codec", "nfc", "vocabulary", "unknown")
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
    at_least("seed", order.seed, 0)
    base = None if order.base is None else read_model(order.base)
    train_part, valid_part = _parts(corpus, order)
    settings = _settings(train_part, order, base)
    codec = _codec(settings, train_part, valid_part, base)
    train_data, valid_data = (
        encode_texts(codec, [codec.adapt(text, order.unknown) for text in part.texts])
        for part in (train_part, valid_part)
    )
    if not len(valid_data.ids):
        raise CorpusError("nothing is left to validate on: the validation part has no symbol that the model knows")
    builder = Builder(codec, train_data, valid_data, order.seed, choose_device(order.device), base)
    settings, seconds = builder.trial(settings, measure=order.amount.is_time)
    clock = _clock(builder, settings, order.amount.expected_minutes, started) if order.amount.is_time else None
    steps, evaluate_every = _plan(order.amount, builder.stream(settings), clock, seconds)
    trainer = builder.trainer(settings)
    trainer.evaluate_every = evaluate_every
    trainer.begin_schedule(steps)
    run = RunFolder.create(
        order.out,
        config={
            "recipe": order.recipe if base is None else base.config["recipe"],
            "settings": config.write(settings),
            "seed": order.seed,
            "device": builder.device,
            "threads": torch.get_num_threads(),
        },
        codec=codec.to_json(),
        origin=_origin(corpus, order, base),
        train=train_data,
        valid=valid_data,
        start=trainer.snapshot(),
    )
    training = Training(run, trainer, codec, epoch_symbols=len(train_data.ids), clock=clock)
    training.notes = [*corpus.notes, _describe(training, train_data, valid_data)]
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
    builder = Builder(codec, *run.corpus(), about["seed"], choose_device(device or about["device"]), None)
    trainer = builder.trainer(settings)
    trainer.restore(checkpoint.snapshot)
    notes = [*warnings, *_forget_lost_best(trainer, run)]
    clock = None
    if minutes is not None:
        begun = time.monotonic() if started is None else started
        amount = Amount(minutes=minutes)
        _, seconds = builder.trial(settings, measure=True)
        clock = _clock(builder, settings, amount.expected_minutes, begun)
        steps, trainer.evaluate_every = _plan(amount, builder.stream(settings), clock, seconds)
        if run.finished() is None:
            trainer.schedule.replan(trainer.step, trainer.step + steps)
        else:
            trainer.begin_schedule(trainer.step + steps)
    training = Training(
        run,
        trainer,
        codec,
        epoch_symbols=len(builder.train.ids),
        clock=clock,
        good=_last_evaluated(trainer, run),
    )
    training.notes = [*notes, f"going on at step {trainer.step:,} of {trainer.schedule.steps:,}"]
    return training


def _forget_lost_best(trainer: Trainer, run: RunFolder) -> list[str]:
    """After damage the best checkpoint may be one that is no longer there; then the next evaluation is the best."""
    if trainer.best is None or trainer.best["step"] in (trainer.step, *run.steps()):
        return []
    lost, trainer.best, trainer.plateau = trainer.best["step"], None, None
    return [f"the best checkpoint so far, of step {lost:,}, is no longer there; the best one is looked for anew"]


def _last_evaluated(trainer: Trainer, run: RunFolder) -> Snapshot | None:
    """Where a rollback of an undisturbed run would go back to, if that is not where this one is."""
    if trainer.evaluated == trainer.step or trainer.evaluated not in run.steps():
        return None
    return run.load(trainer.evaluated).snapshot


def _clock(builder: Builder, settings: LanguageModelSettings, minutes: float, started: float) -> Clock:
    reserve = _RESERVE if builder.codec.end is None else _RESERVE_ITEMS
    return Clock(started + 60 * minutes, reserve, builder.evaluation_seconds(settings) + _CHECKPOINT)


def _parts(corpus: Corpus, order: Order) -> tuple[Corpus, Corpus]:
    if isinstance(order.valid, Corpus):
        return corpus, order.valid
    return split(corpus, share=order.valid, seed=order.seed)


def _settings(train_part: Corpus, order: Order, base: SavedModel | None) -> LanguageModelSettings:
    recipe = find_recipe(order.recipe if base is None else base.config["recipe"])
    budget = Budget(train_part.size, train_part.kind == "items", order.amount.expected_minutes)
    fixed = [name for name in _OF_THE_CODEC if name in order.settings]
    if base is not None and fixed:
        raise ConfigError(f"with --from the symbols are those of {base.path}; {', '.join(fixed)} cannot be set")
    if base is None and order.unknown != "error":
        raise ConfigError("--unknown is for a model that exists; it needs --from")
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


def _describe(training: Training, train_data: Encoded, valid_data: Encoded) -> str:
    settings, codec = training.settings, training.codec
    count = sum(p.numel() for p in training.trainer.task.module.parameters())
    return (
        f"{settings.layers}×{settings.hidden_size} {settings.core}, {count:,} parameters, "
        f"dropout {settings.dropout:g}, "
        f"{codec.size} {codec.name}; {len(train_data.ids):,} symbols to learn from, "
        f"{len(valid_data.ids):,} to validate; "
        f"{settings.batch_size} rows × {settings.window} steps, learning rate {settings.learning_rate:g}, "
        f"{settings.precision} on {training.device}; {training.trainer.schedule.steps:,} training steps"
    )
