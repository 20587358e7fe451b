"""Units held at a value while a network runs: after a step, before anyone reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ostinato.engine.clamps import FIXED, FREE
from ostinato.engine.compiled.elementary import sigmoid, tanh
from ostinato.engine.compiled.options import compiled
from ostinato.engine.layout import PANEL

_ZERO = np.float32(0.0)


class Held(NamedTuple):
    """Clamps of all rows (``ostinato.engine.clamps.Clamps``), and one for each row."""

    modes: Any
    values: Any
    spans: Any
    clock: Any  # how many symbols each state row has read
    row_units: Any  # part, layer and unit of each state row's own clamp as one number; -1: none
    row_values: Any


@compiled
def holds_any(held: Any) -> bool:
    """Return whether there are clamps."""
    return len(held.modes) > 0 or len(held.row_units) > 0


@compiled
def is_beyond_one(numbers: Any) -> bool:
    """Return whether some number is above 1 or under -1, as only a held one can be."""
    largest = _ZERO
    for j in range(len(numbers)):
        largest = max(largest, abs(numbers[j]))
    return bool(largest > 1)


@compiled
def hold(held: Any, first: int, row: int, numbers: Any) -> bool:
    """Clamp 64 numbers of a row; return whether any was.

    Args:
        held: The clamps.
        first: Number of the first of these units among all parts, layers and units.
        row: The state row.
        numbers: Hidden state or cell of these units.
    """
    changed, now = False, held.clock[row]
    if len(held.modes):
        for j in range(PANEL):
            mode, at = held.modes[first + j], 2 * (first + j)
            if mode != FREE and held.spans[at] <= now < held.spans[at + 1]:
                numbers[j] = held.values[first + j] if mode == FIXED else numbers[j] * held.values[first + j]
                changed = True
    if len(held.row_units):
        place = held.row_units[row] - first
        if 0 <= place < PANEL:
            numbers[place] = held.row_values[row]
            changed = True
    return changed


@compiled
def hold_block(held: Any, first: int, part: int, row: int, gates: Any, hidden: Any, cell: Any) -> None:
    """Clamp the cells of 64 units of an LSTM, then their hidden states, which follow from the cells; else these alone.

    Args:
        held: The clamps.
        first: Number of the first of these units among all layers and units.
        part: Number of units of all layers.
        row: The state row.
        gates: The sums of the gates i, f, g and o.
        hidden: Their hidden states.
        cell: Their cells; of no length where there are none.
    """
    if len(cell) and hold(held, part + first, row, cell):
        for j in range(PANEL):
            hidden[j] = sigmoid(gates[3 * PANEL + j]) * tanh(cell[j])
    hold(held, first, row, hidden)
