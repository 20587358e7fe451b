"""A kernel on several cores: rows shared out among threads, or the units of the same rows among a team."""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.config import at_least
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


class Threads:
    """Some threads, started when they are first needed.

    Args:
        count: How many; ``None``: as many as there are cores.

    Raises:
        ConfigError: The count is under 1.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = cores_here() if count is None else count
        at_least("threads", self.count, 1)
        self._crew: _Crew | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"count": self.count}  # threads cannot be copied, or sent to another process

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["count"])  # type: ignore[misc]

    def share(self, model: PackedModel, rows: int, *, in_step: bool = False) -> Sharing:
        """Return how to share out some rows: among threads if each gets several, else the units of all of them.

        Args:
            model: What is run.
            rows: How many rows.
            in_step: Whether all have to stop at the same step.
        """
        if rows >= 4 * self.count and not in_step:
            cuts = [rows * part // self.count for part in range(self.count + 1)]
            return Sharing(tuple((low, high - low) for low, high in itertools.pairwise(cuts)), 1)
        # Members wait for each other busily, which more of them than cores would make slow.
        team = max(1, min(self.count, cores_here(), model.bytes_of_a_step // _WORTH_A_TEAM))
        return Sharing(((0, rows),), team)

    def run(self, kernel: Kernel, blocks: Sequence[NDArray[np.int64]]) -> None:
        """Run a kernel with each block at the same time, and wait for all of them.

        Call it where Ctrl-C waits (``ostinato.engine.interrupts``): what the blocks point to has to outlive it.
        """
        if len(blocks) == 1:
            kernel(blocks[0])
            return
        with self._lock:  # members of two teams may not wait for each other's threads
            if self._crew is None or self._crew.process != os.getpid() or self._crew.size < len(blocks):
                self._crew = _Crew(max(self.count, len(blocks)))  # of another process none is left after a fork
            self._crew.run([lambda block=block: kernel(block) for block in blocks])  # type: ignore[misc]


class _Crew:
    """Threads that wait for work; all are there before any gets some, as members of a team wait for each other."""

    def __init__(self, size: int) -> None:
        self.size, self.process = size, os.getpid()
        self._work: list[SimpleQueue[Callable[[], None]]] = [SimpleQueue() for _ in range(size - 1)]
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        for number, work in enumerate(self._work):
            threading.Thread(target=self._serve, args=(work,), name=f"ostinato-{number}", daemon=True).start()

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Do every job in a thread of its own; the first in this one."""
        for work, job in zip(self._work, jobs[1:], strict=False):
            work.put(job)
        try:
            jobs[0]()
        finally:
            problems = [self._done.get() for _ in jobs[1:]]
        for problem in problems:
            if problem is not None:
                raise problem

    def _serve(self, work: SimpleQueue[Callable[[], None]]) -> None:
        while True:
            job = work.get()
            try:
                job()
                self._done.put(None)
            except BaseException as error:  # told where it is waited for
                self._done.put(error)


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
