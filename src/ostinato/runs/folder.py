"""The run folder: everything needed to load, resume and explain a training run, and nothing that executes."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from ostinato import codecs
from ostinato.data.cache import Cache
from ostinato.data.columns import column_arrays, columns_of_arrays
from ostinato.data.encoded import Encoded
from ostinato.disk.documents import read_document, write_document
from ostinato.disk.places import cache_folder
from ostinato.disk.publishing import discard, publishing, sweep
from ostinato.errors import DamagedError, RunError
from ostinato.runs.arrays import check_finite, read_arrays, write_arrays
from ostinato.runs.fields import Best, Config, End, Origin, TrainerState, checked
from ostinato.training.snapshot import Arrays, Snapshot

_PARTS = ("weights", "average", "optimizer", "carried_state")
_STEP = re.compile(r"step-[0-9]{6,18}")
_OWN_FILES = (
    ".lock", "best.json", "checkpoints", "codec.json", "config.json", "corpus.safetensors", "finished.json",
    "metrics.jsonl", "novelty.json", "origin.json", "report.html", "samples", "series", "tensorboard",
)  # fmt: skip
_METRICS = (
    "train_nats_per_symbol", "valid_nats_per_symbol", "best_nats_per_symbol", "epochs", "standard_error",
    "best_standard_error",
)  # fmt: skip
_KEEP = 2  # checkpoints kept besides the best one
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Checkpoint:
    """The contents of one checkpoint.

    Attributes:
        snapshot: The run between two steps.
        metrics_bytes: Length of metrics.jsonl at that step, in bytes.
    """

    snapshot: Snapshot
    metrics_bytes: int


@dataclass(frozen=True)
class Pin:
    """A reference to the encoded corpus in the cache that a run reads.

    Attributes:
        key: Name of the corpus in the cache.
        sha256: Digest of the whole corpus.
    """

    key: str
    sha256: str


class RunFolder:
    """One run on disk. Open it with ``RunFolder(path)``; make a new one with ``RunFolder.create``.

    Args:
        path: The folder.

    Raises:
        RunError: It is no run folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / "config.json").is_file():
            if next(path.glob("*/config.json"), None) is not None:
                raise RunError(f"{path} is a folder of runs; name one of them: 'ostinato runs {path}' lists them")
            what = "is not a run folder: it has no config.json" if path.exists() else "does not exist"
            raise RunError(
                f"{path} {what}. 'ostinato train CORPUS --out {path}' makes one; 'ostinato runs' lists those there are"
            )

    @staticmethod
    def check_free(path: Path) -> None:
        """Check that a new run folder can have this name.

        Raises:
            RunError: The path is taken.
        """
        if path.exists():
            raise RunError(
                f"{path} exists already. Go on with it: 'ostinato resume {path}'; or choose another name: --out"
            )

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        config: dict[str, Any],
        codec: dict[str, Any],
        origin: dict[str, Any],
        corpus: tuple[Encoded, Encoded] | Pin,
        start: Snapshot,
    ) -> RunFolder:
        """Make a run folder with its first checkpoint; it appears whole or not at all.

        A corpus that was in memory (training and validation texts) becomes part of it; one in the cache
        is pinned by its digest.

        Raises:
            RunError: The path is taken, or cannot be written.
        """
        cls.check_free(path)
        with explaining_full_disk(path), publishing(path) as draft:
            pinned = {} if isinstance(corpus, tuple) else {"corpus_key": corpus.key}
            sha256 = _write_corpus(draft, *corpus) if isinstance(corpus, tuple) else corpus.sha256
            write_document(draft / "origin.json", {**origin, **pinned, "corpus_sha256": sha256})
            write_document(draft / "codec.json", codec)
            first = draft / _checkpoint_name(start.plain["step"])
            first.mkdir(parents=True)
            _write_checkpoint(first, start, metrics_bytes=0)
            (draft / "samples").mkdir()
            write_document(draft / "config.json", config)
        return cls(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for one process; the lock ends with the process, however it ends.

        Raises:
            RunError: Another process holds it, or a part of it is a link to somewhere else.
        """
        self._check_own()
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunError(
                f"{self.path} is in use by another process that trains it; wait for it or stop it"
            ) from error
        except OSError as error:
            raise RunError(f"{self.path} cannot be locked: {error.strerror}") from error
        try:
            sweep(self.path)
            sweep(self.path / "checkpoints")
            yield
        finally:
            lock.release()

    def config(self) -> dict[str, Any]:
        """Return config.json: recipe and every setting."""
        return self._document("config.json", Config)

    def codec(self) -> dict[str, Any]:
        """Return codec.json."""
        return read_document(self.path / "codec.json")

    def origin(self) -> dict[str, Any]:
        """Return origin.json: data, versions, seed and command."""
        return self._document("origin.json", Origin)

    @property
    def is_pinned(self) -> bool:
        """Whether the run's corpus lies in the cache, not in the run."""
        return "corpus_key" in self.origin()

    def corpus(self, cache: Cache | None = None) -> tuple[Encoded, Encoded]:
        """Return the encoded training and validation texts, from the run itself or from the cache.

        Args:
            cache: Cache of the texts that are too large for the run; ``None``: the one in the usual place.

        Raises:
            RunError: They are no longer in the cache.
            DamagedError: They are not the ones that the run was made with.
        """
        origin = self.origin()
        if self.is_pinned:
            names = ", ".join(f"{source['name']} ({source['bytes']:,} bytes)" for source in origin["sources"])
            try:
                parts = (
                    (Cache(cache_folder()) if cache is None else cache)
                    .open(origin["corpus_key"], origin["corpus_sha256"])
                    .parts
                )
            except RunError as error:
                way = f"ostinato resume {self.path} --corpus FILE" + " --valid FILE" * bool(origin["valid_sources"])
                raise type(error)(
                    f"{error}. The run was made with {names}; name the same files again: {way}"
                ) from error
            return parts["train"], parts["valid"]
        arrays = read_arrays(self.path / "corpus.safetensors", origin["corpus_sha256"])
        where, size = f"{self.path}/corpus.safetensors", codecs.from_json(self.codec()).size
        train, valid = (_encoded(arrays, part, size, where) for part in ("train", "valid"))
        return train, valid

    def save(self, snapshot: Snapshot) -> None:
        """Publish a checkpoint, note the best one, and discard those that are no longer needed.

        Raises:
            RunError: It could not be written; everything saved before is as it was.
        """
        target = self._checkpoint(snapshot.plain["step"])
        with explaining_full_disk(self.path):
            if not target.exists():
                length = self._metrics.stat().st_size if self._metrics.exists() else 0
                with publishing(target) as draft:
                    _write_checkpoint(draft, snapshot, metrics_bytes=length)
            if snapshot.plain["best"] is not None:
                write_document(self.path / "best.json", snapshot.plain["best"])
            self._retain(snapshot)

    def mark_finished(self, step: int, reason: str) -> None:
        """Record that training is over, and why."""
        with explaining_full_disk(self.path):
            write_document(self.path / "finished.json", {"step": step, "reason": reason})

    def finished(self) -> dict[str, Any] | None:
        """Return the step and the reason of the end, if the run has ended and not gone on since."""
        try:
            end = self._document("finished.json", End)
        except RunError:
            return None
        return end if end["step"] == max(self.steps(), default=-1) else None

    def write_novelty(self, novelty: dict[str, Any]) -> None:
        """Write to novelty.json how many sampled items are new."""
        with explaining_full_disk(self.path):
            write_document(self.path / "novelty.json", novelty)

    def novelty(self) -> dict[str, Any] | None:
        """Return how many sampled items are new, if that was measured."""
        try:
            return read_document(self.path / "novelty.json")
        except RunError:
            return None

    def steps(self) -> list[int]:
        """Return the steps of the checkpoints, in order."""
        folder = self.path / "checkpoints"
        return sorted(
            int(p.name.removeprefix("step-")) for p in folder.glob("step-*") if _STEP.fullmatch(p.name) and p.is_dir()
        )

    def load(self, step: int) -> Checkpoint:
        """Read one checkpoint, checking every file.

        Raises:
            RunError: A file is missing, or of another format version.
            DamagedError: A file is truncated or altered, or has numbers that are not finite.
        """
        folder = self._checkpoint(step)
        plain = checked(read_document(folder / "trainer.json"), TrainerState, f"{folder}/trainer.json")
        files = plain.pop("files")
        parts = {part: read_arrays(folder / f"{part}.safetensors", files.get(part, "")) for part in _PARTS}
        for part, arrays in parts.items():
            check_finite(arrays, str(folder / f"{part}.safetensors"))
        metrics_bytes = plain.pop("metrics_bytes")
        return Checkpoint(Snapshot(**parts, plain=plain), metrics_bytes)

    def load_latest(self) -> tuple[Checkpoint, list[str]]:
        """Read the newest checkpoint that is whole, setting damaged ones aside; call under the lock.

        Returns:
            The checkpoint, and a warning for each one set aside.

        Raises:
            RunError: None is whole, or one cannot be read or is of another format version.
        """
        warnings: list[str] = []
        for step in reversed(self.steps()):
            try:
                return self.load(step), warnings
            except DamagedError as error:
                aside = _free_name(self._checkpoint(step))
                self._checkpoint(step).rename(aside)
                warnings.append(f"{error}. Set aside as {aside.name}; the checkpoint before it is used")
        told = "".join(f"\n{warning}" for warning in warnings)
        raise RunError(f"{self.path} has no whole checkpoint to go on from; train anew{told}")

    def load_best(self) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]], list[str]]:
        """Read the best weights; where they are damaged, the newest whole ones.

        Returns:
            Their description (step, kind of weights, validation loss), the weights, and warnings.

        Raises:
            RunError: No weights are whole.
        """
        warnings: list[str] = []
        for choice in self._candidates():
            folder = self._checkpoint(choice["step"])
            try:
                files = checked(read_document(folder / "trainer.json"), TrainerState, f"{folder}/trainer.json")["files"]
                file = folder / f"{choice['weights']}.safetensors"
                weights = read_arrays(file, files.get(choice["weights"], ""))
                check_finite(weights, str(file))
                return choice, weights, warnings
            except DamagedError as error:
                warnings.append(f"{error}; another checkpoint is used")
        told = "".join(f"\n{warning}" for warning in warnings)
        raise RunError(f"{self.path} has no whole checkpoint to load{told}")

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl.

        Raises:
            RunError: It could not be written.
        """
        with explaining_full_disk(self.path), self._metrics.open("ab") as stream:
            stream.write(json.dumps(record).encode() + b"\n")

    def cut_metrics(self, length: int) -> None:
        """Cut metrics.jsonl back to its length at a checkpoint, in bytes."""
        if self._metrics.exists() and self._metrics.stat().st_size > length:
            with explaining_full_disk(self.path):
                os.truncate(self._metrics, length)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the records of metrics.jsonl; a damaged line is left out."""
        records = []
        for line in self._metrics.read_bytes().splitlines() if self._metrics.exists() else []:
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and _is_metric(record):
                    records.append(record)
        return records

    def write_sample(self, step: int, text: str) -> None:
        """Write a sample made at a step of training."""
        with explaining_full_disk(self.path):
            (self.path / "samples" / f"step-{step:06d}.txt").write_text(text, encoding="utf-8")

    def _document(self, name: str, kind: type[Any]) -> dict[str, Any]:
        return checked(read_document(self.path / name), kind, f"{self.path}/{name}")

    def _check_own(self) -> None:
        """Check that the files that the run writes lie in it, and are no links to somewhere else."""
        own = [self.path / name for name in _OWN_FILES]
        own += [path for folder in ("checkpoints", "samples", "series") for path in (self.path / folder).rglob("*")]
        for path in own:
            if path.is_symlink():
                raise RunError(
                    f"{path} is a link: a run is never written or deleted through one. Put what it leads to there"
                )

    @property
    def _metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def _checkpoint(self, step: int) -> Path:
        return self.path / _checkpoint_name(step)

    def _retain(self, snapshot: Snapshot) -> None:
        """Keep the best checkpoint, the last two, and that of the last evaluation, to which a rollback returns."""
        steps, best = self.steps(), snapshot.plain["best"]
        kept = {*steps[-_KEEP:], snapshot.plain["evaluated"], best["step"] if best else -1}
        for step in steps:
            if step not in kept:
                discard(self._checkpoint(step))

    def _candidates(self) -> Iterator[dict[str, Any]]:
        """Yield the best checkpoint, then all others from the newest on."""
        with contextlib.suppress(DamagedError):
            yield self._document("best.json", Best)
        for step in reversed(self.steps()):
            best = None
            with contextlib.suppress(DamagedError):
                file = self._checkpoint(step) / "trainer.json"
                best = checked(read_document(file), TrainerState, str(file))["best"]
            yield best if best and best["step"] == step else {"step": step, "weights": "weights"}


def _encoded(arrays: Arrays, part: str, size: int, where: str) -> Encoded:
    """Return the texts of a part; check that they are made of the codec's ids."""
    nothing = np.zeros(0)
    ids, offsets = (arrays.get(f"{part}_{name}", nothing) for name in ("ids", "offsets"))
    whole = ids.dtype.kind in "ui" and offsets.dtype.kind == "i" and ids.ndim == offsets.ndim == 1 and len(offsets) > 0
    if not whole or offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
        raise DamagedError(f"{where} holds no encoded texts for {part}")
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < size:
        raise DamagedError(f"{where} holds ids that are none of the codec's {size:,}")
    try:
        return Encoded(ids, offsets, columns_of_arrays(part, arrays, len(offsets) - 1))
    except ValueError as error:
        raise DamagedError(f"{where} does not hold the columns of {part}: {error}") from error


def _checkpoint_name(step: int) -> str:
    return f"checkpoints/step-{step:06d}"


def _is_metric(record: dict[str, Any]) -> bool:
    """Return whether a record has the numbers that its readers need: a damaged line may be JSON still."""
    numbers = [record.get(name, "missing") for name in _METRICS]
    whole = all(number is None or (isinstance(number, float | int) and math.isfinite(number)) for number in numbers)
    return whole and isinstance(record.get("step"), int)


def _write_corpus(folder: Path, train: Encoded, valid: Encoded) -> str:
    arrays = {
        "train_ids": train.ids,
        "train_offsets": train.offsets,
        "valid_ids": valid.ids,
        "valid_offsets": valid.offsets,
    }
    for part, data in (("train", train), ("valid", valid)):
        arrays |= column_arrays(part, data.columns)
    return write_arrays(folder / "corpus.safetensors", arrays)


def _write_checkpoint(folder: Path, snapshot: Snapshot, *, metrics_bytes: int) -> None:
    parts = {
        "weights": snapshot.weights,
        "average": snapshot.average,
        "optimizer": snapshot.optimizer,
        "carried_state": snapshot.carried_state,
    }
    files = {part: write_arrays(folder / f"{part}.safetensors", parts[part]) for part in _PARTS}
    write_document(folder / "trainer.json", {**snapshot.plain, "metrics_bytes": metrics_bytes, "files": files})


def _free_name(folder: Path) -> Path:
    names = (f"{folder.name}.damaged{'' if n == 1 else f'-{n}'}" for n in itertools.count(1))
    return next(folder.with_name(name) for name in names if not folder.with_name(name).exists())


@contextlib.contextmanager
def explaining_full_disk(path: Path) -> Iterator[None]:
    """Turn a failure to write into an error that says what is still whole and how to go on."""
    try:
        yield
    except RunError:
        raise
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        if (path / "config.json").exists():
            mend = "Make room" if error.errno in _NO_ROOM else "Mend that"
            message += f". Everything saved before is whole. {mend}, then: ostinato resume {path}"
        raise RunError(message) from error
