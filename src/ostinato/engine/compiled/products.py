"""The product of some rows of activations with a panel, 64 columns of weights; everything by its address.

Handing over arrays would cost more than a small product itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.target import numbers_at, sums_at
from ostinato.engine.compiled.tiles import tile
from ostinato.engine.layout import PANEL

_F = np.float32
_LINE = 4 * PANEL  # bytes of 64 sums


@compiled
def multiply_panel(target: Any, weights: int, start: int, x: int, x_step: int, count: int, rows: int, out: int) -> None:
    """Multiply rows of activations with 64 columns.

    Args:
        target: For which instructions, and of which precision.
        weights: Address of the panel.
        start: Where the sums begin, address of 64 int32.
        x: Address of the first row of activations.
        x_step: Bytes from row to row.
        count: Steps of k: 4 activations each for int8, 1 for float32.
        rows: How many rows.
        out: Address for [rows, 64] int32 or float32.
    """
    row = 0
    while rows - row >= 8:
        tile(target, 8, weights, x + row * x_step, x_step, count, start, out + row * _LINE)
        row += 8
    if rows - row >= 4:
        tile(target, 4, weights, x + row * x_step, x_step, count, start, out + row * _LINE)
        row += 4
    if rows - row >= 2:
        tile(target, 2, weights, x + row * x_step, x_step, count, start, out + row * _LINE)
        row += 2
    if rows - row == 1:
        tile(target, 1, weights, x + row * x_step, x_step, count, start, out + row * _LINE)


@compiled
def add_product(
    target: Any,
    weights: int,
    start: int,
    scales: int,
    x: int,
    factors: int,
    count: int,
    rows: int,
    product: int,
    into: int,
    into_step: int,
) -> None:
    """Add the product with a panel, scaled, to 64 float32 of each row.

    Args:
        target: For which instructions, and of which precision.
        weights: Address of the panel.
        start: Address of its 64 first sums.
        scales: Address of its 64 scales.
        x: Address of the rows' activations, which stand side by side.
        factors: Address of each row's factor.
        count: Steps of k.
        rows: How many rows.
        product: Address of room for [rows, 64] sums.
        into: Address of the first row's 64 numbers.
        into_step: Bytes from row to row.
    """
    multiply_panel(target, weights, start, x, 4 * count, count, rows, product)
    scale, factor = numbers_at(scales, PANEL, "float32"), numbers_at(factors, rows, "float32")
    for row in range(rows):
        sums = sums_at(target, product + row * _LINE, PANEL)
        _add_scaled(sums, scale, factor[row], numbers_at(into + row * into_step, PANEL, "float32"))


@inlined
def _add_scaled(sums: Any, scales: Any, factor: np.float32, into: Any) -> None:
    for j in range(PANEL):
        into[j] += _F(sums[j]) * (scales[j] * factor)
