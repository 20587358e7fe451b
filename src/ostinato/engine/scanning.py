"""Layers over whole sequences, for training: the recurrence, forward and back through time, by compiled code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import layout
from ostinato.engine.block import dtype_of, fill_block
from ostinato.engine.layout import PANEL

_GATES = {layout.ELMAN_TANH: 1, layout.ELMAN_RELU: 1, layout.GRU: 3, layout.LSTM: 4, layout.CAPPED_LSTM: 4}
_ROOM = 5 * PANEL

#: Runs a kernel with each block at the same time, so many times; each time all wait for each other.
Run = Callable[[str, list[NDArray[np.int64]], int], None]
# Bytes of weights that a core cannot keep in its own cache from step to step: then each reads only a part of them.
_MANY_BYTES = 2**20


class Part(NamedTuple):
    """One thread's share of each step: its rows and its units."""

    first_row: int
    rows: int
    first_unit: int
    units: int


@dataclass(frozen=True)
class Scan:
    """One layer over one batch of sequences.

    Attributes:
        kind: Kind of core (``ostinato.engine.layout``).
        rows: Number of rows B.
        steps: Number of time steps T.
        width: Width H; a multiple of 64.
        precision: ``"bf16"`` or ``"fp32"``, of activations and weights; cells and sums are float32.
        threads: Number of threads.
        run: Function that runs a kernel.
    """

    kind: int
    rows: int
    steps: int
    width: int
    precision: str
    threads: int
    run: Run

    def forward(self, weight: NDArray[np.float32], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Run forward.

        Args:
            weight: From state to gates, [G H, H].
            arrays: ``gates`` [B, T, G H], the inputs' share of the sums, which become the gates; ``outputs``
                [B, T + 1, H], of which the first is given; of an LSTM ``cells``, likewise, float32; of a GRU ``backs``
                [B, T, H], to be filled, and ``bias`` [H] float32.
        """
        weights = self._laid_out(weight, transposed=False)
        blocks, kept = [], []
        for part in self._parts():
            room = self._room(part.rows, self.width)
            room["totals"] = np.zeros(part.rows * self.width, dtype=np.float32)
            kept.append(room)
            blocks.append(self._block({**arrays, **room, "weights": weights}, part))
        self.run("scan", blocks, self.steps if self._shares_units else 1)

    def backward(
        self, weight: NDArray[np.float32], arrays: Mapping[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Run back through time.

        Args:
            weight: From state to gates, [G H, H].
            arrays: Arrays as ``forward`` left them, and ``d_outputs`` [B, T, H], of an LSTM perhaps ``d_states``
                [B, T, H] float32; to be filled: ``d_gates`` [B, T, G H], of a GRU ``d_backs`` too.

        Returns:
            Gradients of hidden state and cell before the first step, [B, H]; of the biases, [G H], with those of a
            GRU's candidate bias after them, [H].
        """
        weights = self._laid_out(weight, transposed=True)
        d_hidden, d_cell = (np.zeros((self.rows, self.width), dtype=np.float32) for _ in range(2))
        blocks, kept = [], []
        for part in self._parts():
            rows = slice(part.first_row, part.first_row + part.rows)
            room = self._room(part.rows, _GATES[self.kind] * self.width)
            room |= {"totals": d_hidden[rows], "d_cells": d_cell[rows]}
            room["d_bias"] = np.zeros((_GATES[self.kind] + 1) * self.width, dtype=np.float32)
            kept.append(room)
            blocks.append(self._block({**arrays, **room, "weights": weights}, part))
        self.run("scan_back", blocks, self.steps + 1 if self._shares_units else 1)
        return d_hidden, d_cell, np.sum([room["d_bias"] for room in kept], axis=0)

    @property
    def _shares_units(self) -> bool:
        """Whether threads share out the units of a step, and not rows: measured for float32 with AVX2 only."""
        size = 4 * _GATES[self.kind] * self.width**2
        return self.precision == "fp32" and size > _MANY_BYTES and 1 < self.threads <= self.width // PANEL

    def _parts(self) -> list[Part]:
        """Return the share of each thread."""
        if self._shares_units:
            return self._parts_of_units()
        threads = min(self.threads, self.rows)
        cuts = [self.rows * part // threads for part in range(threads + 1)]
        return [Part(low, high - low, 0, self.width) for low, high in itertools.pairwise(cuts)]

    def _parts_of_units(self) -> list[Part]:
        """Return the share of each thread where units are shared out."""
        panels = self.width // PANEL
        threads = min(self.threads, panels)
        cuts = [PANEL * (panels * part // threads) for part in range(threads + 1)]
        return [Part(0, self.rows, low, high - low) for low, high in itertools.pairwise(cuts)]

    def _room(self, rows: int, width: int) -> dict[str, NDArray[Any]]:
        return {
            "acts": np.empty(rows * width, dtype=dtype_of("acts", self.precision)),
            "ahead": np.empty(rows * 4 * PANEL + _ROOM, dtype=np.float32),
            "back": np.empty(rows * PANEL, dtype=np.float32),
        }

    def _laid_out(self, weight: NDArray[np.float32], *, transposed: bool) -> NDArray[Any]:
        panels = np.empty(weight.size, dtype=dtype_of("weights", self.precision))
        arrays = {"floats": np.ascontiguousarray(weight), "weights": panels}
        blocks = [self._block(arrays, part, is_transposed=transposed) for part in self._parts_of_units()]
        self.run("lay_out", blocks, 1)
        return panels

    def _block(
        self, arrays: Mapping[str, NDArray[Any]], part: Part, *, is_transposed: bool = False
    ) -> NDArray[np.int64]:
        scalars = {**part._asdict(), "steps": self.steps, "kind": self.kind, "width": self.width}
        steps_now = 1 if self._shares_units else self.steps + 1
        return fill_block(
            arrays, {**scalars, "steps_now": steps_now, "is_transposed": int(is_transposed)}, self.precision
        )
