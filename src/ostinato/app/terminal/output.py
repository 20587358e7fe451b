"""Printing: results as JSON, one object a line, and text that a terminal may show."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from ostinato.disk.documents import write_whole
from ostinato.errors import EngineError, RunError

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]")  # also bytes of names that are no UTF-8


def as_json(data: Any) -> str:
    """Return plain data as one line of JSON; an infinite number, such as the perplexity of what cannot be, is null.

    Raises:
        EngineError: There is something that is not a number: the model's own numbers overflow.
    """
    line = json.dumps(_plain(data), ensure_ascii=False, allow_nan=False)
    line = line.encode(errors="backslashreplace").decode()  # of a name whose bytes are no UTF-8
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # which some readers take for line ends


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        RunError: It cannot be written.
    """
    try:
        write_whole(path, data)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}") from error


def shown(text: object) -> str:
    """Return text as a terminal may show it: control characters, which could move its cursor, as \\x1b."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", str(text))


def as_written(text: str) -> str:
    """Return a model's text for standard output: as it is for a file or a pipe, as it may be shown for a terminal."""
    return shown(text) if sys.stdout.isatty() else text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and math.isnan(value):
        raise EngineError("the model's numbers overflow here: its weights are too large, or damaged")
    return None if isinstance(value, float) and math.isinf(value) else value
