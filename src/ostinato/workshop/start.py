"""From a corpus and a budget to a run that is ready to train: device, precision, steps, and the run folder."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import torch

from ostinato import codecs, config
from ostinato.config import at_least
from ostinato.data import Corpus
from ostinato.engine.threads import check_threads
from ostinato.errors import ConfigError, unknown_name
from ostinato.families import Recipe, Sources, plugin_of
from ostinato.runs import RunFolder, SavedModel, read_about, read_model
from ostinato.runs.series import Series
from ostinato.training.device import choose_device
from ostinato.training.ranks import Alone, Ranks
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer
from ostinato.workshop.build import Builder, Trial, compile_scans
from ostinato.workshop.opening import opening_notes
from ostinato.workshop.plan import Amount, Clock
from ostinato.workshop.planning import clock_for, most_steps, plan_steps, thread_watch
from ostinato.workshop.request import DATA_SEED, Prepared, RunOptions, RunRequest, prepare, recipe_of
from ostinato.workshop.run import Training
from ostinato.workshop.sizes import fit
from ostinato.workshop.teachers import teacher_records


def train(
    corpus: str | Sequence[str] | Corpus = (),
    *,
    out: str | Path,
    minutes: float | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    base: str | Path | None = None,
    **options: Unpack[RunOptions],
) -> Training:
    """Set up a run; iterate over the result to train, or call its ``to_end()``.

    Args:
        corpus: Files, folders, globs or the name of an embedded corpus, read as the recipe does; or a corpus that was
            read. Where nothing is named, the recipe makes its own, if it can.
        out: Where the run folder shall be.
        minutes: Wall time of all, set-up included; without any amount it is 3 minutes.
        epochs: Instead: passes over the training data.
        steps: Instead: training steps.
        base: A run or model file to start from.
        options: ``recipe``, ``settings``, ``seed``, ``valid``, ``device``, ``threads`` and all else of ``RunRequest``.

    Raises:
        ConfigError: A setting is unknown or out of range.
        CorpusError: The corpus cannot be read, or is too little.
        RunError: ``out`` exists already, or cannot be written.
    """
    about = {} if base is None else read_about(Path(base))
    recipe = recipe_of(options.get("recipe"), about.get("recipe"))
    _check_options(options, recipe)
    amount = Amount(minutes, epochs, steps)
    request = RunRequest(Path(out), amount=amount, base=None if base is None else Path(base), **options)
    if not isinstance(corpus, Corpus):
        names = [corpus] if isinstance(corpus, str) else list(corpus)
        if other := next((name for name in names if not isinstance(name, str)), None):
            raise ConfigError(
                f"a corpus is named by texts, got {str(other)[:40]}; of pairs in memory corpus_of_pairs makes a "
                "corpus, of other texts Corpus('items', texts)"
            )
        given = {**about.get("settings", {}), **request.settings}
        corpus = recipe.corpus(Sources(names), given, DATA_SEED, own=request.settings)
    return set_up(corpus, request)


def _check_options(options: Mapping[str, Any], recipe: Recipe) -> None:
    """Check the names of options; a setting of the recipe says how it is given.

    Raises:
        ConfigError: One is no option.
    """
    known = RunOptions.__annotations__
    settings = {field.name for field in fields(recipe.settings)}
    for name, value in options.items():
        if name in settings and name not in known:
            raise ConfigError(f'{name} is a setting of recipe {recipe.name}: settings={{"{name}": {value!r}}}')
        if name not in known:
            raise unknown_name("option", name, known, where="ostinato.train")


def set_up(corpus: Corpus | Callable[[], Corpus], request: RunRequest, ranks: Ranks | None = None) -> Training:
    """Do everything that comes before the first step, and make the run folder.

    Args:
        corpus: The corpus, or how to read it; only the first of several processes reads.
        request: The user's request.
        ranks: The processes that train together, each of which calls this; ``None``: this one alone.
    """
    ranks, began = Alone() if ranks is None else ranks, time.monotonic()
    at_least("seed", request.seed, 0)
    check_threads(request.threads)
    base = None if request.base is None else read_model(request.base)
    recipe = recipe_of(request.recipe, None if base is None else base.config["recipe"])
    if request.series is not None and not recipe.family.reads_series:
        raise ConfigError(f"a series of weights is for language models, and {recipe.name} is none; leave --series out")
    taught_by = _teachers(recipe, request, base)
    device = choose_device(request.device, ranks)
    request = replace(request, device=device)
    prepared, origin = ranks.decide(lambda: _prepared(corpus, request, base, taught_by))
    codec = codecs.from_json(prepared.codec)
    builder = Builder(
        recipe.family, codec, prepared.train, prepared.valid, request.seed, device, base, ranks, tuple(taught_by),
        request.threads,
    )  # fmt: skip
    compiled = compile_scans(builder.device, recipe.family.compiled_core(prepared.settings), request.watch)
    trial = fit(builder, prepared, request, ranks)
    clock = _first_clock(builder, trial, request, began)
    trainer = _first_trainer(builder, trial, request.amount, clock)
    start = trainer.snapshot()  # by all processes together
    run = ranks.decide(
        lambda: RunFolder.create(
            request.out,
            config={"recipe": recipe.name, **_about(builder, trial)},
            codec=prepared.codec,
            origin=origin,
            corpus=prepared.pin or (prepared.train, prepared.valid),
            start=start,
        )
    )
    series_notes = [] if request.series is None else _begin_series(run, request.series, start, ranks)
    training = Training(
        run,
        trainer,
        codec,
        train_data=prepared.train,
        valid_data=prepared.valid,
        clock=clock,
        threads=thread_watch(trial, trainer),
    )
    training.notes = [*prepared.notes, *compiled, *opening_notes(training, prepared, clock, trial), *series_notes]
    return training


def _begin_series(run: RunFolder, most: int, start: Snapshot, ranks: Ranks) -> list[str]:
    """Begin to keep weights at up to so many steps, and say how much room they take."""
    series = ranks.decide(partial(Series.create, run.path, most))
    size = series.bytes_for(sum(weight.size for weight in start.weights.values()))
    return [f"weights are kept at up to {most} steps, {size / 1e6:,.1f} MB in all"]


def _prepared(
    corpus: Corpus | Callable[[], Corpus], request: RunRequest, base: SavedModel | None, teachers: Sequence[SavedModel]
) -> tuple[Prepared, dict[str, Any]]:
    """Return the data and settings of a run, and the record of where it comes from."""
    train = corpus() if callable(corpus) else corpus
    request = replace(request, valid=request.valid(train) if callable(request.valid) else request.valid)
    if train.valid is not None and not isinstance(request.valid, Corpus):
        request = replace(request, valid=train.valid)
    train = replace(train, valid=None)
    origin = {**_origin(train, request, base), "teachers": teacher_records(teachers)}
    return prepare(train, request, base, *teachers[:1]), origin


def _first_clock(builder: Builder, trial: Trial, request: RunRequest, began: float) -> Clock | None:
    """Return the clock of a time budget; ``None`` where the amount is no time."""
    amount = request.amount
    if not amount.is_time:
        return None
    clock = clock_for(builder, trial, amount.expected_minutes, request.started or began, report=request.report)
    clock.last_step = most_steps(builder, trial.settings)
    return clock


def _first_trainer(builder: Builder, trial: Trial, amount: Amount, clock: Clock | None) -> Trainer:
    """Return the trainer of a new run, with its plan."""
    trainer = builder.trainer(trial.settings)
    steps, trainer.evaluate_every = builder.ranks.decide(
        lambda: plan_steps(amount, builder.stream(trial.settings), clock, trial.seconds)
    )
    trainer.begin_schedule(steps)
    if trial.threads is not None:
        trainer.use_threads(trial.threads)
    trainer.keeps_threads = builder.threads is not None
    return trainer


def _teachers(recipe: Recipe, request: RunRequest, base: SavedModel | None) -> list[SavedModel]:
    """Read the models that are learned from as well, and check that they can be."""
    teachers = [read_model(path) for path in request.teachers]
    recipe.family.check_teachers(recipe, teachers, base)
    return teachers


def _about(builder: Builder, trial: Trial) -> dict[str, Any]:
    """A run's record of its settings, and of the machine that it is trained on."""
    return {
        "settings": config.write(trial.settings),
        "seed": builder.seed,
        "validation": builder.validation(trial.settings),
        "device": builder.device.partition(":")[0],
        "threads": trial.threads or torch.get_num_threads(),
        "processes": builder.ranks.count,
    }


def _origin(corpus: Corpus, request: RunRequest, base: SavedModel | None) -> dict[str, Any]:
    from importlib.metadata import version

    about = {} if base is None else base.config
    settings = {**about.get("settings", {}), **request.settings}
    return {
        "sources": list(corpus.sources),
        "valid_sources": list(request.valid.sources) if isinstance(request.valid, Corpus) else [],
        "valid_share": None if isinstance(request.valid, Corpus) else request.valid,
        "unknown": request.unknown,
        "base": None if base is None else {"name": base.path.name, **base.best},
        "command": request.command,
        "plugin": plugin_of(recipe_of(request.recipe, about.get("recipe")).name, settings),
        "versions": {name: version(name) for name in ("ostinato", "torch", "numpy")},
        "python": platform.python_version(),
    }
