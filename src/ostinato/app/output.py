"""Results as JSON: one object a line, with numbers that every reader of JSON understands."""

from __future__ import annotations

import json
import math
from typing import Any

from ostinato.errors import EngineError


def as_json(data: Any) -> str:
    """Return plain data as one line of JSON; an infinite number, such as the perplexity of what cannot be, is null.

    Raises:
        EngineError: There is something that is not a number: the model's own numbers overflow.
    """
    line = json.dumps(_plain(data), ensure_ascii=False, allow_nan=False)
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # which some readers take for line ends


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and math.isnan(value):
        raise EngineError("the model's numbers overflow here: its weights are too large, or damaged")
    return None if isinstance(value, float) and math.isinf(value) else value
