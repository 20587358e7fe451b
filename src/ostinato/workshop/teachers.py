"""The teachers of a run: what it notes of them, and how they are found again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ostinato.errors import ConfigError
from ostinato.runs import RunFolder, SavedModel, read_model
from ostinato.runs.arrays import arrays_digest


def teacher_records(teachers: Sequence[SavedModel]) -> list[dict[str, Any]]:
    """Return what a run notes of its teachers: their names, and digests of their weights."""
    return [{"name": teacher.path.name, "sha256": arrays_digest(teacher.weights)} for teacher in teachers]


def same_teachers(run: RunFolder, paths: Sequence[Path]) -> list[SavedModel]:
    """Read the teachers of a run that goes on.

    Raises:
        ConfigError: They are not the ones that it began with.
    """
    known = run.origin().get("teachers", [])
    models = [read_model(path) for path in paths]
    if [one["sha256"] for one in teacher_records(models)] == [one["sha256"] for one in known]:
        return models
    if not known:
        raise ConfigError(f"{run.path} has no teachers; leave --teacher out")
    names = " ".join(f"--teacher {one['name']}" for one in known)
    raise ConfigError(
        f"{run.path} learns from {len(known)} other models, which it does not hold; name the same ones again, in the "
        f"same order: ostinato resume {run.path} {names}"
    )
