"""State of a packed network, and the scratch arrays that a thread needs to advance it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import layout
from ostinato.engine.block import dtype_of
from ostinato.engine.packing import PackedModel


@dataclass(frozen=True)
class Carried:
    """State and next logits of some rows.

    Attributes:
        hidden: Hidden state of every layer, [L, R, H padded] float32.
        cell: Cell of every layer of an LSTM, of the same shape; else empty.
        logits: Logits of the next symbol, [R, V padded] float32.
        clock: Number of symbols that each row has read, [R] int64; counted where units are held.
    """

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32]
    logits: NDArray[np.float32]
    clock: NDArray[np.int64]

    @classmethod
    def fresh(cls, model: PackedModel, rows: int) -> Carried:
        """Return the state before the first symbol."""
        layers, width, outputs = (int(model.plan[n]) for n in (layout.LAYERS, layout.WIDTH, layout.OUTPUT))
        hidden = np.zeros((layers, rows, width), dtype=np.float32)
        has_cell = model.plan[layout.KIND] >= layout.LSTM
        cell = np.zeros_like(hidden) if has_cell else np.zeros((layers, 0, width), dtype=np.float32)
        return cls(hidden, cell, np.zeros((rows, outputs), dtype=np.float32), np.zeros(rows, dtype=np.int64))

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Carried:
        """Return a copy of some rows, in a new order."""
        chosen = np.asarray(rows)
        cell = self.cell[:, chosen] if self.cell.shape[1] else self.cell
        hidden, cell, logits = (
            np.ascontiguousarray(part) for part in (self.hidden[:, chosen], cell, self.logits[chosen])
        )
        return Carried(hidden, cell, logits, self.clock[chosen])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of a kernel's block."""
        return {"hidden": self.hidden, "cell": self.cell, "logits": self.logits, "clock": self.clock}


def network_arrays(model: PackedModel) -> dict[str, NDArray[Any]]:
    """Return a model's arrays by the names of a kernel's block."""
    names = ("weights", "sums", "scales", "floats", "plan")
    return {name: vars(model)[name] for name in names}


def scratch_arrays(model: PackedModel, rows: int) -> dict[str, NDArray[Any]]:
    """Return the scratch arrays of one thread, for ``rows`` rows."""
    plan, rows = model.plan, max(rows, 1)
    layers, width, slot = (int(plan[n]) for n in (layout.LAYERS, layout.WIDTH, layout.SLOT))
    gates, symbols = int(plan[layout.GATES]), int(plan[layout.SYMBOLS])
    sizes = {
        "acts": (1 + layers) * rows * slot,
        "factors": (1 + layers) * rows,
        "totals": rows * width,
        "product": rows * layout.PANEL,
        "ahead": rows * gates * layout.PANEL,
        "back": rows * gates * layout.PANEL,
        "work": 3 * symbols,
        "order": symbols,
    }
    return {name: np.zeros(size, dtype=dtype_of(name, model.precision)) for name, size in sizes.items()}
