"""Settings: frozen dataclasses in code, plain JSON on disk, and nothing in between.

A default is written once, in the dataclass. A run folder holds every setting, defaults included,
so a later change of a default changes no old run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ostinato.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")


def read(cls: type[T], values: Mapping[str, Any], *, where: str) -> T:
    """Build the dataclass ``cls`` from plain data, checking every name and type.

    Args:
        cls: A frozen dataclass; its ``__post_init__`` may raise ConfigError for values out of range.
        values: Plain data, as from ``json.load``.
        where: What to call the source in a message, such as ``"runs/a/config.json"``.

    Raises:
        ConfigError: Something does not fit. All problems are in the one message, a line each.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import, and only needed here

    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    problems = [str(unknown_name("setting", name, names, where=where)) for name in values if name not in names]
    known = {name: value for name, value in values.items() if name in names}
    result = None
    try:
        # Strict reading of JSON: a list may become a tuple, but "2" is no number and true is no count.
        result = TypeAdapter(cls).validate_json(json.dumps(known), strict=True)
    except ValidationError as error:
        problems += [_problem(detail, where) for detail in error.errors(include_url=False)]
    if problems or result is None:
        raise ConfigError("\n".join(problems))
    return result


def write(settings: Any) -> dict[str, Any]:
    """Return the plain data of a settings dataclass, defaults included; ``read`` gives an equal one back."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    return plain


def parse_assignments(assignments: Sequence[str], cls: type[Any]) -> dict[str, Any]:
    """Turn ``["hidden_size=512", "core=gru"]`` into plain data for the fields of ``cls``.

    A value is read as JSON where it is JSON (numbers, true, null) and as a string otherwise.

    Raises:
        ConfigError: A piece is not of the form NAME=VALUE, or names no field of ``cls``.
    """
    names = [field.name for field in dataclasses.fields(cls)]
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {assignment!r} is not of the form NAME=VALUE, such as --set hidden_size=512")
        if name not in names:
            raise unknown_name("setting", name, names, where="--set")
        values[name] = _value(text)
    return values


def in_range(name: str, value: float, *, least: float | None = None, below: float | None = None) -> None:
    """Check a number against its range.

    Raises:
        ConfigError: The value is under ``least``, or not under ``below``, or not a number at all.
    """
    if value != value or (least is not None and value < least):
        raise ConfigError(f"{name} must be at least {least}, got {value}")
    if below is not None and value >= below:
        raise ConfigError(f"{name} must be below {below}, got {value}")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _problem(detail: ErrorDetails, where: str) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    context = detail.get("ctx", {})
    if isinstance(context.get("error"), ConfigError):  # a range check in __post_init__
        return f"{context['error']} (in {where})"
    if detail["type"] == "missing":
        return f"setting {name!r} is missing in {where} and has no default"
    return f"{name} = {detail['input']!r} in {where}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
