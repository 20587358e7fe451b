"""Going on with a run: from its last checkpoint to a run that is ready to train."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ostinato import codecs, config
from ostinato.data import Cache, Corpus, Encoded, cache_folder, split
from ostinato.engine.threads import check_threads
from ostinato.errors import ConfigError, CorpusError, DamagedError, RunError
from ostinato.families import Family, find_recipe
from ostinato.families.settings import TrainingSettings
from ostinato.runs import RunFolder
from ostinato.training.device import choose_device
from ostinato.training.ranks import Alone, Ranks
from ostinato.training.snapshot import Snapshot
from ostinato.training.trainer import Trainer
from ostinato.workshop.build import Builder, Trial, compile_scans
from ostinato.workshop.opening import short_notes
from ostinato.workshop.plan import Amount, Clock
from ostinato.workshop.planning import clock_for, plan_steps, thread_watch
from ostinato.workshop.request import DATA_SEED, RunRequest, Watch, encode_parts
from ostinato.workshop.run import Training
from ostinato.workshop.teachers import same_teachers


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
        valid: Reads the validation corpus, where the run had one of its own.
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
        lambda: _data(run, recipe.family, codec, corpus, valid, RunRequest(run.path, cache=cache, watch=watch))
    )
    where = choose_device(device or about["device"], ranks)
    taught_by = tuple(same_teachers(run, teachers))
    builder = Builder(
        recipe.family, codec, train_data, valid_data, about["seed"], where, None, ranks, taught_by, threads
    )
    trainer = _restored(builder, settings, checkpoint, run)
    notes = [
        *warnings,
        *compile_scans(where, recipe.family.compiled_core(settings), watch),
        *_forget_lost_best(trainer, ranks.decide(run.steps)),
    ]
    measured = builder.trial(settings, measure=minutes is not None)
    trial, clock = ranks.decide(lambda: measured), None
    _go_on_with_threads(trainer, trial, anew=minutes is not None)
    if minutes is not None:
        clock = clock_for(builder, trial, Amount(minutes=minutes).expected_minutes, started or began, report=report)
        _plan_further(trainer, builder, trial, clock, finished=finished)
    good = ranks.decide(lambda: _last_evaluated(trainer, run))
    training = Training(
        run,
        trainer,
        codec,
        train_data=train_data,
        valid_data=valid_data,
        clock=clock,
        threads=thread_watch(trial, trainer),
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
        lambda: plan_steps(Amount(), builder.stream(trial.settings), clock, trial.seconds)
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
    family: Family,
    codec: codecs.Codec,
    corpus: Corpus | Callable[[], Corpus] | None,
    valid: Callable[[], Corpus] | None,
    request: RunRequest,
) -> tuple[Encoded, Encoded]:
    """The run's texts: from itself, from the cache, or from the corpus they were made of, encoded anew."""
    origin, cache = run.origin(), Cache(request.cache or cache_folder())
    if corpus is None:
        return _checked(run, family, codec, run.corpus(cache))
    if not run.is_pinned:
        raise ConfigError(f"{run.path} holds its corpus itself, so nothing needs to be read again; leave --corpus out")
    read = corpus() if callable(corpus) else corpus
    _check_same(origin["sources"], read, run)
    with suppress(RunError):
        return run.corpus(cache)
    request = replace(request, unknown=origin["unknown"])
    if origin["valid_share"] is not None:
        parts = split(read, share=origin["valid_share"], seed=DATA_SEED)
    elif valid is None:
        raise ConfigError(f"{run.path} has a validation corpus of its own; name that again too: --valid FILE")
    else:
        parts = read, valid()
        _check_same(origin["valid_sources"], parts[1], run)
    train_data, valid_data, pin = encode_parts(family, codec, parts, request)
    if pin is None or pin.sha256 != origin["corpus_sha256"]:
        raise CorpusError(
            f"{run.path}: the same files now give other symbols than when the run was made; read them with "
            "the same --encoding, --errors, --column, --glob and --as"
        )
    return train_data, valid_data


def _checked(
    run: RunFolder, family: Family, codec: codecs.Codec, parts: tuple[Encoded, Encoded]
) -> tuple[Encoded, Encoded]:
    """Return the parts of a run's corpus, if their columns are the family's."""
    try:
        for part in parts:
            family.check_columns(codec, part)
    except ValueError as error:
        raise DamagedError(f"{run.path}/corpus.safetensors: {error}") from error
    return parts


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
    lost, trainer.best, trainer.best_of_schedule = trainer.best["step"], None, None
    return [f"the best checkpoint so far, of step {lost:,}, is no longer there; the best one is looked for anew"]


def _last_evaluated(trainer: Trainer, run: RunFolder) -> Snapshot | None:
    """Where a rollback of an undisturbed run would go back to, if that is not where this one is."""
    if trainer.evaluated == trainer.step or trainer.evaluated not in run.steps():
        return None
    return run.load(trainer.evaluated).snapshot
