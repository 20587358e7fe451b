"""Arrays that grow. No PyTorch here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def resized(old: NDArray[Any], rows: int, blank: int | bool) -> NDArray[Any]:
    """Return an array of ``rows`` rows: the old ones, as far as they fit, and blank ones."""
    new = np.full((rows, *old.shape[1:]), blank, dtype=old.dtype)
    kept = min(rows, len(old))
    new[:kept] = old[:kept]
    return new
