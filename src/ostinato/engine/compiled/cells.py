"""Updates of 64 units of a layer from the sums of their gates; equations as in ``ostinato.cores``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ostinato.engine.compiled.elementary import sigmoid, tanh
from ostinato.engine.compiled.options import compiled
from ostinato.engine.layout import PANEL

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@compiled
def lstm_cell(gates: Any, hidden: Any, cell: Any, capped: bool) -> None:
    """Long short-term memory: ``gates`` are i, f, g and o, 64 each; hidden and cell are replaced."""
    if capped:
        for j in range(PANEL):
            f = sigmoid(gates[PANEL + j])
            g = tanh(gates[2 * PANEL + j])
            cell[j] = f * cell[j] + min(sigmoid(gates[j]), _ONE - f) * g
        for j in range(PANEL):
            hidden[j] = sigmoid(gates[3 * PANEL + j]) * tanh(cell[j])
        return
    for j in range(PANEL):
        i = sigmoid(gates[j])
        f = sigmoid(gates[PANEL + j])
        g = tanh(gates[2 * PANEL + j])
        cell[j] = f * cell[j] + i * g
    for j in range(PANEL):
        hidden[j] = sigmoid(gates[3 * PANEL + j]) * tanh(cell[j])


@compiled
def gru_cell(ahead: Any, back: Any, candidate_bias: Any, hidden: Any) -> None:
    """Gated recurrent unit: r, z and n, from below and from before; z = 1 keeps the past."""
    for j in range(PANEL):
        r = sigmoid(ahead[j] + back[j])
        n = tanh(ahead[2 * PANEL + j] + r * (back[2 * PANEL + j] + candidate_bias[j]))
        ahead[2 * PANEL + j] = n
    for j in range(PANEL):
        z = sigmoid(ahead[PANEL + j] + back[PANEL + j])
        hidden[j] = z * hidden[j] + (_ONE - z) * ahead[2 * PANEL + j]


@compiled
def elman_cell(gates: Any, hidden: Any, rectified: bool) -> None:
    """Simple recurrent network."""
    if rectified:
        for j in range(PANEL):
            hidden[j] = _ZERO if gates[j] <= _ZERO else gates[j]  # NaN stays NaN
    else:
        for j in range(PANEL):
            hidden[j] = tanh(gates[j])
