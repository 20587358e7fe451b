"""An engine for packed models: it reads texts, returns their log-probabilities, and continues rows."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import layout
from ostinato.engine.block import fill_block
from ostinato.engine.clamps import Clamps
from ostinato.engine.cpu import choose_instructions
from ostinato.engine.interrupts import interrupted_after
from ostinato.engine.kernels import Compiling, Kernels
from ostinato.engine.packing import PackedModel
from ostinato.engine.state import Carried, network_arrays, scratch_arrays
from ostinato.engine.threads import Sharing, Threads, meeting_place
from ostinato.units import Bound

_STEPS = 1024  # symbols of a text read in one call, so that it can be interrupted
_ROWS = 64  # texts read side by side
_SWEPT = 128  # rows of a sweep


class Recorded(NamedTuple):
    """States of a network over a text, and what it expected.

    Attributes:
        hidden: Hidden states, [symbols, L, H].
        cell: Cells, of the same shape; ``None``: the core has none.
        logits: Logits of the next symbol, [symbols, V]; ``None``: they were not asked for.
    """

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32] | None
    logits: NDArray[np.float32] | None


class Engine:
    """Runs a packed model.

    Attributes:
        bound: Whether its probabilities are exact; those of a softmax, which all packed models end in, are.

    Args:
        model: The model.
        instructions: Instructions to use (``ostinato.engine.cpu``); ``None`` takes the best.
        threads: Greatest number of threads; ``None``: as many as there are cores.
        folder: Folder where compiled kernels are kept; ``None`` keeps none.
        compiling: Called before something is compiled, with its description.

    Raises:
        ConfigError: This processor does not have the instructions.
    """

    bound: ClassVar[Bound] = "exact"

    def __init__(
        self,
        model: PackedModel,
        *,
        instructions: str | None = None,
        threads: int | None = None,
        folder: Path | None = None,
        compiling: Compiling | None = None,
    ) -> None:
        self.model = model
        self.instructions = choose_instructions(instructions)
        self.threads = Threads(threads)
        self.kernels = Kernels(self.instructions, model.precision, folder, compiling)
        self._network = network_arrays(model)
        self._read_last: tuple[tuple[int, ...] | None, Carried] = None, Carried.fresh(model, 1)

    def start(self, prompts: Sequence[Sequence[int]], progress: Callable[[int, int], None] | None = None) -> Carried:
        """Read one prompt for each row, after the begin symbol; equal ones are read once, and the last one is known.

        Args:
            prompts: Ids of each prompt.
            progress: Called with the number of symbols read so far and in all; for long prompts.

        Returns:
            State and next logits of every row.
        """
        unique = sorted({tuple(prompt) for prompt in prompts}, key=lambda ids: (-len(ids), ids))
        if unique == [self._read_last[0]]:  # as where only a temperature or a seed has changed
            return self._read_last[1].take([0] * len(prompts))
        carried = Carried.fresh(self.model, len(unique))
        texts = [np.array([self.model.symbols, *ids], dtype=np.int64) for ids in unique]
        self._read(texts, carried, np.zeros(0), progress)
        if len(unique) == 1:
            self._read_last = unique[0], carried.take([0])
        place = {ids: row for row, ids in enumerate(unique)}
        return carried.take([place[tuple(prompt)] for prompt in prompts])

    def read_on(self, carried: Carried, texts: Sequence[Sequence[int]]) -> Carried:
        """Return the states after reading on; the ones that are given stay as they are.

        Args:
            carried: States and next logits, a row for each text.
            texts: Ids for each row, all of one length.
        """
        after = carried.take(range(len(texts)))
        if len(texts[0]):
            self._read([np.array(text, dtype=np.int64) for text in texts], after, np.zeros(0), None)
        return after

    def log_probs(self, texts: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Yield, for every text, its number and the natural log-probability of each of its symbols; longest first."""
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        for first in range(0, len(order), _ROWS):
            numbers = order[first : first + _ROWS]
            whole = [np.concatenate([[self.model.symbols], texts[number]]) for number in numbers]
            log_probs = np.zeros(sum(map(len, whole)))
            self._read(whole, Carried.fresh(self.model, len(whole)), log_probs, None)
            at = 0
            for number, text in zip(numbers, whole, strict=True):
                yield number, log_probs[at + 1 : at + len(text)]
                at += len(text)

    def held(self, clamps: Clamps) -> Engine:
        """Return an engine of the same model in which units are held."""
        other = copy.copy(self)
        other._read_last = None, self._read_last[1]
        other._network = {**self._network, **clamps.arrays(int(self.model.plan[layout.WIDTH]))}
        return other

    def record(self, text: NDArray[np.int64], *, logits: bool = True) -> Recorded:
        """Read a text after the begin symbol, and return every state and what was expected.

        Args:
            text: Its ids, [T].
            logits: Whether to return the logits too.

        Returns:
            States after each symbol, the begin symbol first, and the logits of the next, [T + 1, …].
        """
        plan, count = self.model.plan, len(text) + 1
        layers, width, outputs = (int(plan[n]) for n in (layout.LAYERS, layout.WIDTH, layout.OUTPUT))
        carried = Carried.fresh(self.model, 1)
        hidden = np.zeros((count, layers, width), dtype=np.float32)
        cell = np.zeros((count if carried.cell.size else 0, layers, width), dtype=np.float32)
        expected = np.zeros((count if logits else 0, outputs), dtype=np.float32)
        room = {"recorded_hidden": hidden, "recorded_cell": cell, "recorded_logits": expected}
        self._read([np.concatenate([[self.model.symbols], text])], carried, np.zeros(0), None, room)
        H, V = self.model.hidden_size, self.model.symbols
        return Recorded(hidden[..., :H], cell[..., :H] if len(cell) else None, expected[:, :V] if logits else None)

    def unit_numbers(self, part: int, layer: int, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return units of a part and a layer as ``sweep`` takes them."""
        layers, width = int(self.model.plan[layout.LAYERS]), int(self.model.plan[layout.WIDTH])
        return (part * layers + layer) * width + units

    def sweep(
        self,
        text: NDArray[np.int64],
        units: NDArray[np.int64],
        values: NDArray[np.float32],
        progress: Callable[[int, int], None] | None = None,
    ) -> NDArray[np.float64]:
        """Read one text many times, each time with another unit held, and return the log-probabilities of its symbols.

        Args:
            text: Its ids, [T].
            units: Part, layer and unit of each as one number, as ``unit_numbers`` gives it, [U].
            values: The value at which each is held.
            progress: Called with the number of units held so far, and in all.

        Returns:
            Natural log-probabilities, [U, T].
        """
        whole, log_probs = np.concatenate([[self.model.symbols], text]), []
        for first in range(0, len(units), _SWEPT):
            rows = len(units[first : first + _SWEPT])
            own = np.zeros(rows * len(whole))
            arrays: dict[str, NDArray[Any]] = {
                "row_units": units[first : first + rows],
                "row_values": values[first : first + rows],
            }
            self._read([whole] * rows, Carried.fresh(self.model, rows), own, None, arrays)
            log_probs.append(own.reshape(rows, len(whole))[:, 1:])
            if progress is not None:
                progress(first + rows, len(units))
        return np.concatenate(log_probs)

    def blocks(
        self, sharing: Sharing, arrays: Mapping[str, NDArray[Any]], scalars: Mapping[str, int]
    ) -> tuple[list[NDArray[np.int64]], list[Any]]:
        """Return one block for each thread, and the arrays that have to stay alive while they are used.

        Args:
            sharing: Division of the work among threads.
            arrays: Arrays that all threads share, by the names of a kernel's block; scratch is made for each.
            scalars: Further numbers, by name.
        """
        blocks: list[NDArray[np.int64]] = []
        kept: list[Any] = [dict(arrays)]
        for part, (first, rows) in enumerate(sharing.parts):
            for member in range(sharing.team):
                scratch = scratch_arrays(self.model, rows)
                kept.append(scratch)
                own = {"most": rows, "member": member, "team": sharing.team, "first_row": first, "rows": rows}
                every = {**self._network, **scratch, **arrays}
                blocks.append(fill_block(every, {**own, "part": part, **scalars}, self.model.precision))
        return blocks, kept

    def run(self, name: str, sharing: Sharing, arrays: Mapping[str, NDArray[Any]], scalars: Mapping[str, int]) -> None:
        """Run a kernel; arguments as for ``blocks``."""
        blocks, _kept = self.blocks(sharing, arrays, scalars)
        self.threads.run(self.kernels[name], blocks)

    def prepare(self, *names: str) -> None:
        """Load kernels before they are needed, compiling what is not there yet.

        Raises:
            EngineError: One cannot be compiled here.
        """
        for name in names:
            self.kernels[name]

    def _read(
        self,
        texts: Sequence[NDArray[np.int64]],
        carried: Carried,
        log_probs: NDArray[np.float64],
        progress: Callable[[int, int], None] | None,
        more: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Read texts that are in order of length, longest first, a chunk of each at a time."""
        longest = len(texts[0])
        arrays = {
            **carried.arrays(),
            "live": np.arange(len(texts), dtype=np.int64),
            "last": np.zeros(len(texts), dtype=np.int64),
            "ids": np.concatenate(texts).astype(np.int64),
            "offsets": np.cumsum([0, *map(len, texts)], dtype=np.int64),
            "log_probs": log_probs,
            "meetings": meeting_place(),
            **(more or {}),
        }
        for first in range(0, longest, _STEPS):
            sharing, began = self.threads.share(self.model, len(texts), "read"), time.monotonic()
            with interrupted_after():
                self.run("read", sharing, arrays, {"first_step": first, "steps": _STEPS})
            self.threads.note(sharing, min(_STEPS, longest - first), time.monotonic() - began)
            if progress is not None:
                progress(min(first + _STEPS, longest), longest)
