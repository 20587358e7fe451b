"""From a corpus and a budget to a run that is ready to train: device, precision, steps, and the run folder."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ostinato import codecs, config
from ostinato.config import at_least
from ostinato.data import Cache, Corpus, Encoded, Stream, cache_folder, split
from ostinato.engine.threads import check_threads
from ostinato.engine.watching import ThreadWatch
from ostinato.errors import ConfigError, CorpusError, DamagedError, RunError
from ostinato.families import Recipe, Sources, find_recipe
from ostinato.families.settings import TrainingSettings
from ostinato.runs import RunFolder, SavedModel, read_about, read_model
from ostinato.training.device import choose_device
from ostinato.training.ranks import Alone, Ranks
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer
from ostinato.workshop.budget import EVALUATIONS, Amount, Clock
from ostinato.workshop.building import Builder, Trial, compile_scans
from ostinato.workshop.fitting import fit
from ostinato.workshop.opening import opening_notes, short_notes
from ostinato.workshop.preparing import Order, Prepared, Watch, encode_parts, prepare, recipe_of
from ostinato.workshop.teaching import same_teachers, told_teachers
from ostinato.workshop.threads import using_threads
from ostinato.workshop.training import Training

_RESERVE = 1.0  # seconds for what comes after the last evaluation, besides what the family does then
_CHECKPOINT = 0.2  # seconds, until the first one is measured


def train(
    corpus: str | Sequence[str] | Corpus = (),
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
        corpus: Files, folders, globs or the name of an embedded corpus, read as the recipe does; or a corpus that was
            read. Where nothing is named, the recipe makes its own, if it can.
        out: Where the run folder shall be.
        minutes: Wall time of all, set-up included; without any amount it is 3 minutes.
        epochs: Instead: passes over the training data.
        steps: Instead: training steps.
        base: A run or model file to start from.
        options: ``recipe``, ``settings`` (a mapping), ``seed``, ``valid``, ``device``, ``threads``, as of ``Order``.

    Raises:
        ConfigError: A setting is unknown or out of range.
        CorpusError: The corpus cannot be read, or is too little.
        RunError: ``out`` exists already, or cannot be written.
    """
    amount = Amount(minutes, epochs, steps)
    order = Order(Path(out), amount=amount, base=None if base is None else Path(base), **options)
    if not isinstance(corpus, Corpus):
        names = [corpus] if isinstance(corpus, str) else list(corpus)
        about = {} if order.base is None else read_about(order.base)
        recipe = recipe_of(order.recipe, about.get("recipe"))
        given = {**about.get("settings", {}), **order.settings}
        corpus = recipe.corpus(Sources(names), given, order.seed, own=order.settings)
    return set_up(corpus, order)


def set_up(corpus: Corpus | Callable[[], Corpus], order: Order, ranks: Ranks | None = None) -> Training:
    """Do everything that comes before the first step, and make the run folder.

    Args:
        corpus: The corpus, or how to read it; only the first of several processes reads.
        order: What is asked for.
        ranks: The processes that train together, each of which calls this; ``None``: this one alone.
    """
    ranks, began = Alone() if ranks is None else ranks, time.monotonic()
    at_least("seed", order.seed, 0)
    check_threads(order.threads)
    base = None if order.base is None else read_model(order.base)
    recipe = recipe_of(order.recipe, None if base is None else base.config["recipe"])
    taught_by = _teachers(recipe, order, base)
    device = choose_device(order.device, ranks)

    def found_out() -> tuple[Prepared, tuple[str, ...], dict[str, Any]]:
        read = corpus() if callable(corpus) else corpus
        here = replace(order, device=device, valid=order.valid(read) if callable(order.valid) else order.valid)
        prepared = prepare(read, here, base, *taught_by[:1])
        return prepared, prepared.notes, {**_origin(read, here, base), "teachers": told_teachers(taught_by)}

    prepared, notes, origin = ranks.decide(found_out)
    codec = codecs.from_json(prepared.codec)
    builder = Builder(
        recipe.family, codec, prepared.train, prepared.valid, order.seed, device, base, ranks, tuple(taught_by),
        order.threads,
    )  # fmt: skip
    compiled = compile_scans(builder.device, prepared.settings.core, prepared.settings.hidden_size, order.watch)
    trial = fit(builder, prepared, order, ranks)
    clock = None
    if order.amount.is_time:
        clock = _clock(builder, trial, order.amount.expected_minutes, order.started or began, report=order.report)
        clock.last_step = _most_steps(builder, trial.settings)
    trainer = _first_trainer(builder, trial, order.amount, clock)
    start = trainer.snapshot()
    run = ranks.decide(
        lambda: RunFolder.create(
            order.out,
            config={"recipe": recipe.name, **_about(builder, trial)},
            codec=prepared.codec,
            origin=origin,
            corpus=prepared.pin or (prepared.train, prepared.valid),
            start=start,
        )
    )
    training = Training(
        run,
        trainer,
        codec,
        train_data=prepared.train,
        valid_data=prepared.valid,
        clock=clock,
        threads=_watch(trial, trainer),
    )
    training.notes = [*notes, *compiled, *opening_notes(training, prepared, clock, trial)]
    return training


def resume(
    path: str | Path,
    *,
    minutes: float | None = None,
    device: str | None = None,
    threads: int | None = None,
    started: float | None = None,
    corpus: Corpus | Callable[[], Corpus] | None = None,
    valid: Callable[[], Corpus] | None = None,
    cache: Path | None = None,
    watch: Watch | None = None,
    ranks: Ranks | None = None,
    teachers: Sequence[Path] = (),
    report: bool = False,
) -> Training:
    """Set a run up to go on exactly where it stopped.

    Args:
        path: The run folder.
        minutes: Train so long from now on. A finished run starts a new schedule; one that is not
            finished has its end moved. ``None`` keeps the plan of an unfinished run.
        device: Another device than the run's own.
        threads: Another number of processor threads than the run's own, which then stays.
        started: When the process began, by ``time.monotonic()``.
        corpus: The corpus it was made with, where that was too large to be kept in the run and is no
            longer in the cache; or how to read it.
        valid: How to read the validation corpus, where the run had one of its own.
        cache: Where corpora too large for memory are encoded; ``None`` is the usual place.
        watch: Told of long work while setting up.
        ranks: The processes that train together, each of which calls this; ``None``: this one alone.
        teachers: The models that it learns from, if it does from any; a run does not hold them.
        report: Whether the minutes shall leave time for a report.

    Raises:
        ConfigError: The run is finished and no minutes are given, or these are not its teachers.
        CorpusError: The corpus is not the one that the run was made with.
        RunError: There is no run, it is damaged, or in use, or its corpus is gone.
    """
    ranks, began = Alone() if ranks is None else ranks, time.monotonic()
    check_threads(threads)
    run = RunFolder(Path(path))
    about = run.config()
    checkpoint, warnings, finished = ranks.decide(lambda: _checkpoint(run, minutes))
    recipe = find_recipe(about["recipe"])
    settings = config.read(recipe.settings, about["settings"], where=f"{run.path}/config.json")
    codec = codecs.from_json(run.codec())
    train_data, valid_data = ranks.decide(
        lambda: _data(run, codec, corpus, valid, Order(run.path, cache=cache, watch=watch))
    )
    where = choose_device(device or about["device"], ranks)
    taught_by = tuple(same_teachers(run, teachers))
    builder = Builder(
        recipe.family, codec, train_data, valid_data, about["seed"], where, None, ranks, taught_by, threads
    )
    trainer = _restored(builder, settings, checkpoint, run)
    notes = [
        *warnings,
        *compile_scans(where, settings.core, settings.hidden_size, watch),
        *_forget_lost_best(trainer, ranks.decide(run.steps)),
    ]
    measured = builder.trial(settings, measure=minutes is not None)
    trial, clock = ranks.decide(lambda: measured), None
    _go_on_with_threads(trainer, trial, anew=minutes is not None)
    if minutes is not None:
        clock = _clock(builder, trial, Amount(minutes=minutes).expected_minutes, started or began, report=report)
        _plan_further(trainer, builder, trial, clock, finished=finished)
    good = ranks.decide(lambda: _last_evaluated(trainer, run))
    training = Training(
        run,
        trainer,
        codec,
        train_data=train_data,
        valid_data=valid_data,
        clock=clock,
        threads=_watch(trial, trainer),
        good=good,
    )
    training.notes = [
        *notes,
        f"going on at step {trainer.step:,} of {trainer.schedule.steps:,}",
        *short_notes(training, clock),
    ]
    return training


def _restored(builder: Builder, settings: TrainingSettings, checkpoint: Snapshot, run: RunFolder) -> Trainer:
    """Return the trainer where a checkpoint was written, if that fits the run's settings."""
    try:
        builder.family.check_weights(settings, checkpoint.weights)  # before the network takes memory
        trainer = builder.trainer(settings)
        trainer.restore(checkpoint)
    except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise DamagedError(f"the checkpoint of {run.path} does not fit its settings and its corpus: {error}") from error
    return trainer


def _plan_further(trainer: Trainer, builder: Builder, trial: Trial, clock: Clock, *, finished: bool) -> None:
    """Move the end of an unfinished run, or start the next schedule of a finished one."""
    steps, trainer.evaluate_every = builder.ranks.decide(
        lambda: _plan(Amount(), builder.stream(trial.settings), clock, trial.seconds)
    )
    if finished or trainer.step >= trainer.schedule.steps:  # at its end, if it was not marked so any more
        trainer.begin_schedule(trainer.step + steps)
    else:
        trainer.schedule.replan(trainer.step, trainer.step + steps)


def _go_on_with_threads(trainer: Trainer, trial: Trial, *, anew: bool) -> None:
    """Follow the run's record of threads, unless a number is given, or a new plan is made by the clock anyway."""
    if trial.threads is None:
        return
    is_given = trial.usual is None
    recorded = trainer.threads[-1][1] if trainer.threads else None
    is_free = anew and not trainer.keeps_threads
    if is_given or is_free or recorded is None or recorded > torch.get_num_threads():
        trainer.use_threads(trial.threads)
    trainer.keeps_threads = trainer.keeps_threads or is_given


def _watch(trial: Trial, trainer: Trainer) -> ThreadWatch | None:
    """Return what changes the number of threads during training; ``None`` where nothing is to be changed."""
    if trial.usual is None or trial.usual == 1 or trainer.keeps_threads:
        return None
    count = trainer.threads[-1][1]
    # Where the record says otherwise than the trial, one thread is tried at the first look, and recorded.
    return ThreadWatch(trial.usual, count, dict(trial.times) if count == trial.threads else {})


def _first_trainer(builder: Builder, trial: Trial, amount: Amount, clock: Clock | None) -> Trainer:
    """Return the trainer of a new run, with its plan."""
    trainer = builder.trainer(trial.settings)
    steps, trainer.evaluate_every = builder.ranks.decide(
        lambda: _plan(amount, builder.stream(trial.settings), clock, trial.seconds)
    )
    trainer.begin_schedule(steps)
    if trial.threads is not None:
        trainer.use_threads(trial.threads)
    trainer.keeps_threads = builder.threads is not None
    return trainer


def _teachers(recipe: Recipe, order: Order, base: SavedModel | None) -> list[SavedModel]:
    """Read the models that are learned from as well, and check that they can be."""
    teachers = [read_model(path) for path in order.teachers]
    recipe.family.check_teachers(recipe, teachers, base)
    return teachers


def _checkpoint(run: RunFolder, minutes: float | None) -> tuple[Snapshot, list[str], bool]:
    """The newest whole checkpoint, warnings, and whether the run was finished there."""
    with run.locked():
        checkpoint, warnings = run.load_latest()
        run.cut_metrics(checkpoint.metrics_bytes)
    end = run.finished()
    if minutes is None and end is not None:
        raise ConfigError(
            f"{run.path} is finished (step {end['step']}, {end['reason']}). To train it further: "
            f"ostinato resume {run.path} --minutes 5"
        )
    return checkpoint.snapshot, warnings, end is not None


def _data(
    run: RunFolder,
    codec: codecs.Codec,
    corpus: Corpus | Callable[[], Corpus] | None,
    valid: Callable[[], Corpus] | None,
    order: Order,
) -> tuple[Encoded, Encoded]:
    """The run's texts: from itself, from the cache, or from the corpus they were made of, encoded anew."""
    origin, cache = run.origin(), Cache(order.cache or cache_folder())
    if corpus is None:
        return run.corpus(cache)
    if not run.is_pinned:
        raise ConfigError(f"{run.path} holds its corpus itself, so nothing needs to be read again; leave --corpus out")
    read = corpus() if callable(corpus) else corpus
    _check_same(origin["sources"], read, run)
    with suppress(RunError):
        return run.corpus(cache)
    order = replace(order, seed=run.config()["seed"], unknown=origin["unknown"])
    if origin["valid_share"] is not None:
        parts = split(read, share=origin["valid_share"], seed=order.seed)
    elif valid is None:
        raise ConfigError(f"{run.path} has a validation corpus of its own; name that again too: --valid FILE")
    else:
        parts = read, valid()
        _check_same(origin["valid_sources"], parts[1], run)
    train_data, valid_data, pin = encode_parts(codec, *parts, order)
    if pin is None or pin.sha256 != origin["corpus_sha256"]:
        raise CorpusError(
            f"{run.path}: the same files now give other symbols than when the run was made; read them with "
            "the same --encoding, --errors, --column and --as"
        )
    return train_data, valid_data


def _check_same(known: Sequence[dict[str, Any]], read: Corpus, run: RunFolder) -> None:
    """Check that a corpus is the one that a run was made with."""
    if [source["sha256"] for source in known] == [source["sha256"] for source in read.sources]:
        return
    was, is_ = (
        ", ".join(f"{s['name']} ({s['bytes']:,} bytes, SHA-256 {s['sha256'][:16]}…)" for s in sources) or "nothing"
        for sources in (known, read.sources)
    )
    raise CorpusError(f"{run.path} was made with {was}; given is {is_}. Give the same files, in the same order")


def _forget_lost_best(trainer: Trainer, steps: Sequence[int]) -> list[str]:
    """After damage the best checkpoint may be one that is no longer there; then the next evaluation is the best."""
    if trainer.best is None or trainer.best["step"] in (trainer.step, *steps):
        return []
    lost, trainer.best, trainer.plateau = trainer.best["step"], None, None
    return [f"the best checkpoint so far, of step {lost:,}, is no longer there; the best one is looked for anew"]


def _last_evaluated(trainer: Trainer, run: RunFolder) -> Snapshot | None:
    """Where a rollback of an undisturbed run would go back to, if that is not where this one is."""
    if trainer.evaluated == trainer.step or trainer.evaluated not in run.steps():
        return None
    return run.load(trainer.evaluated).snapshot


def _clock(builder: Builder, trial: Trial, minutes: float, started: float, *, report: bool) -> Clock:
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


def _most_steps(builder: Builder, settings: TrainingSettings) -> float:
    """How many steps make up the most passes that are worth it."""
    if settings.passes is None:
        return math.inf
    return max(1, math.ceil(settings.passes * builder.stream(settings).batches_per_epoch))


def _plan(amount: Amount, stream: Stream, clock: Clock | None, seconds: float) -> tuple[int, int]:
    """Return the number of steps, and how many lie between two evaluations."""
    if clock is None:
        steps = amount.steps or math.ceil((amount.epochs or 0) * stream.batches_per_epoch)
        return steps, max(1, math.ceil(steps / EVALUATIONS))
    evaluations = clock.share_out()
    left = clock.left - clock.reserve - evaluations * clock.evaluation
    steps = max(1, int(min(left / seconds, clock.last_step)))
    return steps, min(clock.evaluate_every(seconds), math.ceil(steps / evaluations))


def _origin(corpus: Corpus, order: Order, base: SavedModel | None) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "sources": list(corpus.sources),
        "valid_sources": list(order.valid.sources) if isinstance(order.valid, Corpus) else [],
        "valid_share": None if isinstance(order.valid, Corpus) else order.valid,
        "unknown": order.unknown,
        "base": None if base is None else {"name": base.path.name, **base.best},
        "command": order.command,
        "versions": {name: version(name) for name in ("ostinato", "torch", "numpy")},
        "python": platform.python_version(),
    }
