"""Training steps of 64 units of a row, forward and backward; equations as in ``ostinato.cores``.

Everything is float32 here, and the gates lie side by side, 64 numbers each: so LLVM sees that nothing overlaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ostinato.engine.compiled.elementary import sigmoid, tanh
from ostinato.engine.compiled.options import compiled
from ostinato.engine.layout import PANEL

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@compiled
def lstm_ahead(gates: Any, cell: Any, new_cell: Any, hidden: Any, capped: bool) -> None:
    """Turn sums into the gates i, f, g and o, in place, i before its cap; fill in the next cell and hidden state."""
    for j in range(2 * PANEL):
        gates[j] = sigmoid(gates[j])
    for j in range(2 * PANEL, 3 * PANEL):
        gates[j] = tanh(gates[j])
    for j in range(3 * PANEL, 4 * PANEL):
        gates[j] = sigmoid(gates[j])
    if capped:
        for j in range(PANEL):
            f = gates[PANEL + j]
            new_cell[j] = f * cell[j] + min(gates[j], _ONE - f) * gates[2 * PANEL + j]
    else:
        for j in range(PANEL):
            new_cell[j] = gates[PANEL + j] * cell[j] + gates[j] * gates[2 * PANEL + j]
    for j in range(PANEL):
        hidden[j] = gates[3 * PANEL + j] * tanh(new_cell[j])


@compiled
def lstm_back(gates: Any, cell: Any, new_cell: Any, d_hidden: Any, d_cell: Any, capped: bool) -> None:
    """Turn gates into the gradients of their sums, in place; ``d_cell`` becomes that of the cell before."""
    for j in range(PANEL):
        o, squashed, dh = gates[3 * PANEL + j], tanh(new_cell[j]), d_hidden[j]
        gates[3 * PANEL + j] = dh * squashed * o * (_ONE - o)
        d_cell[j] += dh * o * (_ONE - squashed * squashed)
    if capped:
        for j in range(PANEL):
            i, f, g, dc = gates[j], gates[PANEL + j], gates[2 * PANEL + j], d_cell[j]
            room = _ONE - f
            # Where the cap holds, i is 1 - f, and what would move i moves f the other way.
            gates[j] = _ZERO if i > room else dc * g * i * (_ONE - i)
            gates[PANEL + j] = dc * (cell[j] - (g if i > room else _ZERO)) * f * room
            gates[2 * PANEL + j] = dc * min(i, room) * (_ONE - g * g)
            d_cell[j] = dc * f
        return
    for j in range(PANEL):
        i, f, g, dc = gates[j], gates[PANEL + j], gates[2 * PANEL + j], d_cell[j]
        gates[j] = dc * g * i * (_ONE - i)
        gates[PANEL + j] = dc * cell[j] * f * (_ONE - f)
        gates[2 * PANEL + j] = dc * i * (_ONE - g * g)
        d_cell[j] = dc * f


@compiled
def gru_ahead(gates: Any, from_before: Any, bias: Any, hidden: Any) -> None:
    """Turn sums into the gates r, z and n, in place, and ``hidden`` into the next hidden state.

    The sums of r and z hold the shares of inputs and state, that of n only the inputs'; ``from_before`` is the state's
    share of n, to which its bias is added.
    """
    for j in range(2 * PANEL):
        gates[j] = sigmoid(gates[j])
    for j in range(PANEL):
        from_before[j] += bias[j]
    for j in range(PANEL):
        gates[2 * PANEL + j] = tanh(gates[2 * PANEL + j] + gates[j] * from_before[j])
    for j in range(PANEL):
        z = gates[PANEL + j]
        hidden[j] = z * hidden[j] + (_ONE - z) * gates[2 * PANEL + j]


@compiled
def gru_back(gates: Any, before: Any, from_before: Any, d_hidden: Any) -> None:
    """Turn gates into the gradients of their sums, in place.

    ``from_before`` becomes the gradient of the state's share of n, ``d_hidden`` the gradient that bypasses the gates.
    """
    for j in range(PANEL):
        r, z, n, dh = gates[j], gates[PANEL + j], gates[2 * PANEL + j], d_hidden[j]
        dn = dh * (_ONE - z) * (_ONE - n * n)
        gates[j] = dn * from_before[j] * r * (_ONE - r)
        gates[PANEL + j] = dh * (before[j] - n) * z * (_ONE - z)
        gates[2 * PANEL + j] = dn
        from_before[j] = dn * r
        d_hidden[j] = dh * z


@compiled
def elman_ahead(sums: Any, hidden: Any, rectified: bool) -> None:
    """Fill in the next hidden state."""
    if rectified:
        for j in range(PANEL):
            hidden[j] = _ZERO if sums[j] <= _ZERO else sums[j]  # NaN stays NaN
    else:
        for j in range(PANEL):
            hidden[j] = tanh(sums[j])


@compiled
def elman_back(after: Any, d_hidden: Any, rectified: bool) -> None:
    """Turn the hidden state into the gradient of its sum, in place."""
    if rectified:
        for j in range(PANEL):
            after[j] = d_hidden[j] if after[j] > _ZERO else _ZERO
    else:
        for j in range(PANEL):
            after[j] = d_hidden[j] * (_ONE - after[j] * after[j])
