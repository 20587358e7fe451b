"""Settings: frozen dataclasses in code, plain JSON on disk, and nothing in between.

A default is written once, in the dataclass. A run folder holds every setting, defaults included,
so a later change of a default changes no old run.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from ostinato.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

#: Names that other tools have for settings, and ours.
SETTINGS_ELSEWHERE = {
    "block_size": "window",
    "seq_length": "window",
    "context_length": "window",
    "lr": "learning_rate",
    "max_lr": "learning_rate",
    "n_layer": "layers",
    "num_layers": "layers",
    "rnn_layers": "layers",
    "n_embd": "hidden_size",
    "rnn_size": "hidden_size",
    "model": "core",
    "grad_clip": "clip",
}
T = TypeVar("T")


def read(cls: type[T], values: Mapping[str, Any], *, where: str) -> T:
    """Build the dataclass ``cls`` from plain data, checking every name and type.

    Args:
        cls: A frozen dataclass; its ``__post_init__`` may raise ConfigError for values out of range.
        values: Plain data, as from ``json.load``.
        where: Name of the source in messages, such as ``"runs/a/config.json"``.

    Raises:
        ConfigError: Something does not fit. All problems are in the one message, a line each.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import, and only needed here

    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    problems = [
        str(unknown_name("setting", name, names, where=where, elsewhere=SETTINGS_ELSEWHERE))
        for name in values
        if name not in names
    ]
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
    problems = []
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            problems.append(f"--set {assignment!r} is not of the form NAME=VALUE, such as --set hidden_size=512")
        elif name not in names:
            problems.append(str(unknown_name("setting", name, names, where="--set", elsewhere=SETTINGS_ELSEWHERE)))
        else:
            values[name] = _value(text)
            if isinstance(values[name], str) and _SEVERAL.fullmatch(text):
                problems.append(f"--set {assignment}: one value is expected; 'ostinato sweep' trains a run for each")
    raise_problems(problems)
    return values


_SEVERAL = re.compile(r"-?[\d.eE-]+(?:,-?[\d.eE-]+)+")  # numbers with commas between them
_LARGEST = 10**18  # of whole numbers that an option may have


def out_of_range(
    name: str,
    value: float,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> str | None:
    """Return what is wrong with a number, or ``None``; an infinite one or none at all is always wrong."""
    if isinstance(value, int) and abs(value) >= _LARGEST:
        return f"{name} must be a number with fewer than {len(str(_LARGEST)):,} digits"
    bounds = [
        ("at least", least, least is None or value >= least),
        ("above", above, above is None or value > above),
        ("at most", most, most is None or value <= most),
        ("below", below, below is None or value < below),
    ]
    if math.isfinite(value) and all(holds for _, _, holds in bounds):
        return None
    allowed = " and ".join(f"{word} {bound:g}" for word, bound, _ in bounds if bound is not None)
    return f"{name} must be {allowed}, got {value}"


def one_of(name: str, value: str, allowed: Sequence[str]) -> str | None:
    """Return what is wrong with a name that has to be one of some, or ``None``."""
    if value in allowed:
        return None
    near = get_close_matches(value.lower(), allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name} must be one of {', '.join(allowed)}; got {value!r}{hint}"


def at_least(name: str, value: float, least: float) -> None:
    """Check one number.

    Raises:
        ConfigError: The value is under ``least``, or not finite.
    """
    raise_problems([out_of_range(name, value, least=least)])


def raise_problems(problems: Iterable[str | None]) -> None:
    """Raise one ConfigError that tells all problems there are, a line each; ``None`` is no problem."""
    told = [problem for problem in problems if problem is not None]
    if told:
        raise ConfigError("\n".join(told))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _problem(detail: ErrorDetails, where: str) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    context = detail.get("ctx", {})
    if isinstance(context.get("error"), ConfigError):  # range checks in __post_init__
        return "\n".join(f"{problem} (in {where})" for problem in str(context["error"]).splitlines())
    if detail["type"] == "missing":
        return f"setting {name!r} is missing in {where} and has no default"
    return f"{name} = {detail['input']!r} in {where}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
