"""The fields of a run's documents, checked when they are read: a document may be whole and still be nonsense."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from ostinato.errors import DamagedError

# Types are read by pydantic, which is imported when a document is checked.


@dataclass(frozen=True)
class Source:
    """A file that a corpus was read from."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """The part of the held-out data that is used for validation."""

    symbols: int
    held_out: int
    sha256: str


@dataclass(frozen=True)
class Config:
    """Fields of config.json."""

    recipe: str
    settings: dict[str, Any]
    seed: int
    validation: Part
    device: str
    threads: int
    processes: int


@dataclass(frozen=True)
class Origin:
    """Fields of origin.json."""

    sources: list[Source]
    valid_sources: list[Source]
    valid_share: float | None
    unknown: Literal["error", "nearest", "skip"]
    base: dict[str, Any] | None
    teachers: list[dict[str, Any]]
    command: str
    versions: dict[str, str]
    python: str
    corpus_sha256: str
    corpus_key: str | None = None
    plugin: dict[str, Any] | None = None


@dataclass(frozen=True)
class Best:
    """Fields of best.json, and of the best evaluation in trainer.json."""

    step: int
    weights: Literal["weights", "average"]
    nats_per_symbol: float
    standard_error: float | None


@dataclass(frozen=True)
class Chosen:
    """Description of the weights in a model file; the loss is not known if they come from a damaged run."""

    step: int
    weights: Literal["weights", "average"]
    nats_per_symbol: float | None = None
    standard_error: float | None = None


@dataclass(frozen=True)
class TrainerState:
    """Fields of trainer.json in a checkpoint."""

    step: int
    symbols: int
    evaluate_every: int
    evaluated: int
    loss_since_evaluation: tuple[float, int]
    parts_since_evaluation: dict[str, float]
    position: dict[str, Any]
    plans: list[tuple[int, float, int]]
    scale: float
    rollbacks: int
    best: Best | None
    best_of_schedule: float | None
    evaluations_without_best: int
    threads: list[tuple[int, int]]
    keeps_threads: bool
    metrics_bytes: int
    files: dict[str, str]


@dataclass(frozen=True)
class End:
    """Fields of finished.json."""

    step: int
    reason: str


def checked(document: dict[str, Any], kind: type[Any], where: str) -> dict[str, Any]:
    """Return a document if it has the fields of its kind, each of its type.

    Raises:
        DamagedError: A field is missing or wrong; the message names the first one.
    """
    from pydantic import TypeAdapter

    try:
        # Of the bytes of a name that are no UTF-8 pydantic sees question marks.
        text = json.dumps(document, ensure_ascii=False, allow_nan=False).encode(errors="replace")
        TypeAdapter(kind).validate_json(text, strict=True)
    except (ValueError, RecursionError) as error:  # pydantic's errors are ValueErrors
        raise DamagedError(f"{where} is not what ostinato writes: {_describe_error(error)}") from error
    if document.get("step", 0) < 0:
        raise DamagedError(f"{where} is not what ostinato writes: step: input should not be below 0")
    return document


def _describe_error(error: Any) -> str:
    from pydantic import ValidationError

    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the whole"
    return f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}"
