"""Products alone, for testing them against plain ones, and for measuring how fast weights can be read."""

from __future__ import annotations

from typing import Any

from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.products import Acts, Panel, multiply_panel
from ostinato.engine.compiled.target import array_of
from ostinato.engine.layout import PANEL

_ROWS, _STEPS, _COUNT = SCALAR_PLACES["rows"], SCALAR_PLACES["steps"], SCALAR_PLACES["count"]


@compiled
def multiply(target: Any, block: Any) -> None:
    """Multiply ``rows`` rows of ``acts`` with every panel of ``weights``, ``steps`` times over.

    ``count`` is the number of steps of k in a panel; ``product`` becomes [panels, rows, 64].
    """
    sums = array_of(target, block, "sums")
    weights, acts = array_of(target, block, "weights").ctypes.data, array_of(target, block, "acts").ctypes.data
    product, rows, count = array_of(target, block, "product").ctypes.data, block[_ROWS], block[_COUNT]
    for _ in range(block[_STEPS]):
        for number in range(len(sums) // PANEL):
            panel = Panel(weights + number * 4 * PANEL * count, sums.ctypes.data + 4 * PANEL * number, 0)
            multiply_panel(target, panel, Acts(acts, 0, count, rows), product + number * rows * 4 * PANEL)
