"""Cells of a search as a grid: the candidates of each cell side by side, for cells of any number of rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Candidates(NamedTuple):
    """The best continuations of every cell, best first; -inf fills up where there are fewer."""

    keys: Tensor  # [C, N] float64, what they were chosen by
    totals: Tensor  # [C, N] float64, what they are worth
    rows: Tensor  # [C, N] int64, the row that each goes on from
    symbols: Tensor  # [C, N] int64
    cells: Tensor  # [C] int64, which cell each line is


def best_of_cells(keys: Tensor, totals: Tensor, cells: Tensor, count: int) -> Candidates:
    """Return the ``count`` best continuations of each cell.

    Args:
        keys: Values by which continuations of each row are chosen, [R, V]; -inf is none.
        totals: Totals of the continuations, [R, V].
        cells: The cell of each row, [R], in rising order.
        count: Number of continuations of each cell.
    """
    rows, symbols = keys.shape
    places = grid(cells)
    lines, width = places.shape
    if lines * width == rows:
        flat = keys.reshape(lines, width * symbols)
    else:
        padded = torch.cat([keys, keys.new_full((1, symbols), -torch.inf)])
        flat = padded[places].reshape(lines, width * symbols)
    best, chosen = flat.topk(min(count, flat.shape[1]))
    from_row = places.gather(1, chosen // symbols).clamp(max=rows - 1)
    symbol = chosen % symbols
    return Candidates(best, totals[from_row, symbol], from_row, symbol, cells[places[:, 0]])


def grid(cells: Tensor) -> Tensor:
    """Return the rows of each cell, [C, most rows of a cell]; ``len(cells)`` stands for none.

    >>> grid(torch.tensor([0, 0, 3])).tolist()
    [[0, 1], [2, 3]]
    """
    if len(cells) == 0 or cells[0] == cells[-1]:
        return torch.arange(len(cells))[None]
    counts = cells.bincount()
    counts = counts[counts > 0]
    width = int(counts.max())
    firsts = counts.cumsum(0) - counts
    places = firsts[:, None] + torch.arange(width)
    return torch.where(torch.arange(width) < counts[:, None], places, len(cells))


def within(cells: Tensor) -> Tensor:
    """Return the number of each row within its cell, [R]."""
    places = grid(cells)
    number = torch.arange(places.shape[1]).expand(places.shape)
    return number[places < len(cells)]
