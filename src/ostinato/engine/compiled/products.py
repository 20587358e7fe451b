"""The product of some rows of activations with a panel, 64 columns of weights; everything by its address.

Handing over arrays would cost more than a small product itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.target import numbers_at, sums_at
from ostinato.engine.compiled.tiles import tile
from ostinato.engine.layout import PANEL

_F = np.float32
_LINE = 4 * PANEL  # bytes of 64 sums


class Panel(NamedTuple):
    """Addresses of a panel's weights, of where its 64 sums begin, and of its 64 scales."""

    weights: int
    start: int
    scales: int


class Acts(NamedTuple):
    """Addresses of the activations of some rows, side by side, and of each row's factor; steps of k; how many rows.

    A step of k is 4 activations of int8, or 1 of float32.
    """

    x: int
    factors: int
    steps: int
    rows: int


class Into(NamedTuple):
    """Addresses of room for [rows, 64] sums, and of the first row's 64 numbers; bytes from row to row of these."""

    sums: int
    numbers: int
    step: int


@compiled
def multiply_panel(target: Any, panel: Any, acts: Any, out: int) -> None:
    """Multiply rows of activations with 64 columns: [rows, 64] int32 or float32 at an address."""
    row = 0
    step = 4 * acts.steps
    while acts.rows - row >= 8:
        tile(target, 8, panel.weights, acts.x + row * step, acts.steps, panel.start, out + row * _LINE)
        row += 8
    if acts.rows - row >= 4:
        tile(target, 4, panel.weights, acts.x + row * step, acts.steps, panel.start, out + row * _LINE)
        row += 4
    if acts.rows - row >= 2:
        tile(target, 2, panel.weights, acts.x + row * step, acts.steps, panel.start, out + row * _LINE)
        row += 2
    if acts.rows - row == 1:
        tile(target, 1, panel.weights, acts.x + row * step, acts.steps, panel.start, out + row * _LINE)


@compiled
def add_product(target: Any, panel: Any, acts: Any, into: Any) -> None:
    """Add the product with a panel, scaled, to 64 float32 of each row."""
    multiply_panel(target, panel, acts, into.sums)
    scales, factors = numbers_at(panel.scales, PANEL, "float32"), numbers_at(acts.factors, acts.rows, "float32")
    for row in range(acts.rows):
        sums = sums_at(target, into.sums + row * _LINE, PANEL)
        _add_scaled(sums, scales, factors[row], numbers_at(into.numbers + row * into.step, PANEL, "float32"))


@inlined
def _add_scaled(sums: Any, scales: Any, factor: np.float32, into: Any) -> None:
    for j in range(PANEL):
        into[j] += _F(sums[j]) * (scales[j] * factor)
