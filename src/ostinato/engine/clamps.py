"""Units of a packed network that are held at a value, or turned up and down, while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Modes of a unit.
FREE, FIXED, SCALED = range(3)
#: Parts of the state: the hidden state, which is also the output, and the cell.
HIDDEN, CELL = range(2)
ALWAYS = 2**62


@dataclass(frozen=True)
class Clamps:
    """Clamps of units, for all rows.

    Attributes:
        modes: Mode of each unit in each part and layer, [2, L, H] uint8.
        values: The value, or the factor, of each.
        spans: The steps from which and up to which each holds, [2, L, H, 2]; step 0 reads the begin symbol.
    """

    modes: NDArray[np.uint8]
    values: NDArray[np.float32]
    spans: NDArray[np.int64]

    @classmethod
    def none(cls, layers: int, units: int) -> Clamps:
        """Return clamps that hold nothing, to be filled in."""
        shape = (2, layers, units)
        spans = np.zeros((*shape, 2), dtype=np.int64)
        spans[..., 1] = ALWAYS
        return cls(np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.float32), spans)

    def arrays(self, width: int) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of a kernel's block, filled up to a width."""
        more = width - self.modes.shape[2]
        pad: list[tuple[int, int]] = [(0, 0), (0, 0), (0, more)]
        return {
            "clamp_modes": np.pad(self.modes, pad),
            "clamp_values": np.pad(self.values, pad),
            "clamp_spans": np.pad(self.spans, [*pad, (0, 0)]),
        }
