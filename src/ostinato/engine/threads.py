"""A kernel on several cores: rows shared out among threads, or the units of the same rows among a team."""

from __future__ import annotations

import ctypes
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.engine.cpu import cores_here
from ostinato.engine.kernels import Kernel
from ostinato.engine.packing import PackedModel

_WORTH_A_TEAM = 750_000  # bytes of weights for each member; with fewer, waiting for each other costs more than it saves
_MEETING_PLACES = 16


@dataclass(frozen=True)
class Sharing:
    """How threads share the work.

    Attributes:
        parts: First row and number of rows of each part.
        team: How many threads work on each part; more than one only if there is one part.
    """

    parts: tuple[tuple[int, int], ...]
    team: int

    @property
    def threads(self) -> int:
        """How many threads there are in all."""
        return len(self.parts) * self.team


class Threads:
    """Some threads.

    Args:
        count: How many; ``None``: as many as there are cores.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = cores_here() if count is None else count
        self._pool: ThreadPoolExecutor | None = None

    def share(self, model: PackedModel, rows: int) -> Sharing:
        """Return how to share out some rows: among threads if each gets several, else the units of all of them."""
        if rows >= 4 * self.count:
            cuts = [rows * part // self.count for part in range(self.count + 1)]
            return Sharing(tuple((low, high - low) for low, high in itertools.pairwise(cuts)), 1)
        team = max(1, min(self.count, model.bytes_of_a_step // _WORTH_A_TEAM))
        return Sharing(((0, rows),), team)

    def run(self, kernel: Kernel, blocks: Sequence[NDArray[np.int64]]) -> None:
        """Run a kernel with each block at the same time; the first in this thread."""
        if len(blocks) > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=self.count - 1, thread_name_prefix="ostinato")
        others = [] if self._pool is None else [self._pool.submit(kernel, block) for block in blocks[1:]]
        try:
            kernel(blocks[0])
        finally:
            for other in others:
                other.result()


def meeting_place() -> NDArray[np.int64]:
    """Return what a team's members meet over; see ``ostinato.engine.compiled.network.Team``."""
    place = np.zeros(_MEETING_PLACES, dtype=np.int64)
    place[8] = _let_others_run()
    return place


def _let_others_run() -> int:
    """The address of the system's function that gives up the core for a moment; 0 where there is none."""
    library, name = ("kernel32", "SwitchToThread") if os.name == "nt" else (None, "sched_yield")
    try:
        return ctypes.cast(ctypes.CDLL(library)[name], ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return 0
