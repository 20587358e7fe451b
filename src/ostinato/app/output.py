"""What is printed: results as JSON, one object a line, and text that a terminal may show."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

from ostinato.errors import EngineError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line end


def as_json(data: Any) -> str:
    """Return plain data as one line of JSON; an infinite number, such as the perplexity of what cannot be, is null.

    Raises:
        EngineError: There is something that is not a number: the model's own numbers overflow.
    """
    line = json.dumps(_plain(data), ensure_ascii=False, allow_nan=False)
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # which some readers take for line ends


def shown(text: object) -> str:
    """Return text as a terminal may show it: control characters, which could move its cursor, are spelled out."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(text))


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
