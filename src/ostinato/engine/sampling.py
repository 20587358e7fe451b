"""Rows that are written symbol by symbol, some steps at a time."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import program as codes
from ostinato.engine.engine import Engine
from ostinato.engine.interrupts import interrupted_after
from ostinato.engine.pace import Pace
from ostinato.engine.program import Program, Table
from ostinato.engine.threads import Sharing, meeting_place
from ostinato.errors import EngineError


class Sampling:
    """Several rows being written at once; which symbols a row gets depends on its prompt, its seed and the rules alone.

    Args:
        engine: Engine of the model.
        prompts: Ids that each row continues.
        program: Rules that decide which symbols may be chosen.
        seeds: Seed of each row.
        fill: Function that fills rows of a constraint's incomplete table, and returns the new table.
        progress: Called with the number of symbols read so far and in all; for long prompts.

    Attributes:
        symbols: Symbols that each row has written, the end symbol included.
        log_probs: The model's own log-probability of each of these symbols.
        kept: Log of the mass that the constraint kept in each row, [R].
        endings: Ending of each row (``ostinato.engine.program``), [R].
    """

    def __init__(
        self,
        engine: Engine,
        prompts: Sequence[Sequence[int]],
        program: Program,
        seeds: Sequence[int],
        *,
        fill: Callable[[NDArray[np.int64]], Table] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        rows = len(prompts)
        # Of a text of ten million symbols 120 megabytes, where lists of numbers would take ten times as much.
        self.symbols = [array("i") for _ in range(rows)]
        self.log_probs = [array("d") for _ in range(rows)]
        self.kept = np.zeros(rows)
        self.endings = np.zeros(rows, dtype=np.int64)
        self._engine, self._program, self._fill = engine, program, fill
        self._pace, self._made = Pace(), np.zeros(rows, dtype=np.int64)
        table = program.table or Table.nothing(rows)
        self._is_whole = table.is_whole
        ring, counts = look_back(prompts, program)
        self._arrays: dict[str, NDArray[Any]] = {
            **engine.start(prompts, progress).arrays(),
            **rule_arrays(program, table),
            "last": np.zeros(rows, dtype=np.int64),
            "seeds": np.array([seed % 2**64 for seed in seeds], dtype=np.uint64),
            "endings": self.endings,
            "made": self._made,
            "kept": self.kept,
            "ring": ring,
            "counts": counts,
            "states": table.starts.copy(),
            "stop_states": np.zeros(rows, dtype=np.int64),
        }

    @property
    def is_done(self) -> bool:
        """Whether every row has ended."""
        return bool((self.endings != codes.LIVE).all())

    def go_on(self, steps: int | None = None) -> list[list[int]]:
        """Write some more symbols in every row that has not ended.

        Args:
            steps: Number of symbols; ``None``: as many as can be written in a moment.

        Returns:
            New symbols of each row.
        """
        live = np.flatnonzero(self.endings == codes.LIVE)
        new_symbols: list[list[int]] = [[] for _ in self.symbols]
        if not len(live):
            return new_symbols
        first, began = int(self._made[live[0]]), time.monotonic()  # rows go in step
        with interrupted_after():
            sharing = self._run(live, first, min(steps or self._pace.steps, self._program.length - first))
            made, seconds = int(self._made[live].max()) - first, time.monotonic() - began
            self._pace.note(made, seconds)
            self._engine.threads.note(sharing, made, seconds)
            for row in live:
                count = int(self._made[row]) - first
                new_symbols[row] = self._written[row, :count].tolist()
                self.symbols[row].extend(new_symbols[row])
                self.log_probs[row].extend(self._values[row, :count].tolist())
            if np.isnan(self._values).any():
                raise EngineError("the model's numbers overflow while it writes: its weights are too large, or damaged")
            self._mend_table()
        return new_symbols

    def _run(self, live: NDArray[np.int64], first: int, steps: int) -> Sharing:
        rows = len(self.symbols)
        self._written = np.zeros((rows, steps), dtype=np.int32)
        self._values = np.zeros((rows, steps))
        # Where one part could stop for a table to be filled, the others may not go on.
        sharing = self._engine.threads.share(self._engine.model, len(live), "sample", in_step=not self._is_whole)
        arrays = {
            **self._arrays,
            "symbols": self._written,
            "log_probs": self._values,
            "live": live.astype(np.int64),
            "alive": np.array([count for _, count in sharing.parts], dtype=np.int64),
            "meetings": meeting_place(),
        }
        self._engine.run("sample", sharing, arrays, {"first_step": first, "steps": steps})
        return sharing

    def _mend_table(self) -> None:
        """Fill the states that some rows have reached, in a table that is filled on demand."""
        unknown = np.flatnonzero(self.endings == codes.UNKNOWN)
        if not len(unknown):
            return
        # Whatever happens while it is filled: those can go on, or have ended.
        at_end = unknown[self._made[unknown] == self._program.length]
        self.endings[unknown] = codes.LIVE
        self.endings[at_end] = codes.AT_LENGTH
        assert self._fill is not None, "a table that is not whole can be filled"
        table = self._fill(self._arrays["states"][unknown])
        self._arrays |= rule_arrays(self._program, table)
        for row in at_end:
            state = self._arrays["states"][row]
            if table.accepts[state] and not (table.next[state] >= 0).any():
                self.endings[row] = codes.COMPLETE


def rule_arrays(program: Program, table: Table) -> dict[str, NDArray[Any]]:
    """Return the arrays that rules read, by the names of a kernel's block."""
    return {
        "rules": program.rules,
        "numbers": program.numbers,
        "facts": program.facts,
        "next": table.next,
        "accepts": table.accepts,
        "fewest": table.fewest,
        "known": table.known,
        "stop_next": program.stop_next,
        "stop_found": program.stop_found,
    }


def look_back(prompts: Sequence[Sequence[int]], program: Program) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the last symbols of each prompt, oldest first, [R, window], and how often each stands there, [R, V]."""
    window = program.window
    ring = np.full((len(prompts), window), -1, dtype=np.int64)
    counts = np.zeros((len(prompts), program.symbols if window else 0), dtype=np.int64)
    for row, prompt in enumerate(prompts):
        last = list(prompt[-window:]) if window else []
        ring[row, window - len(last) :] = last
        for symbol in last:
            counts[row, symbol] += 1
    return ring, counts
