"""Validation losses as every command prints them: in bits, with their standard error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostinato.units import bits


def loss_with_error(best: Mapping[str, Any], digits: int = 4) -> str:
    """Return a loss in bits with its standard error, such as "1.8230 ± 0.0112".

    Args:
        best: As it stands in best.json: ``nats_per_symbol``, and ``standard_error`` where that is known.
        digits: Decimals.
    """
    error = best.get("standard_error")
    told = f"{bits(best['nats_per_symbol']):.{digits}f}"
    return told if error is None else f"{told} ± {bits(error):.{digits}f}"
