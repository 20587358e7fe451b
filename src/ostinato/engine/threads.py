"""A kernel on several cores: rows shared out among threads, or the units of the same rows among a team."""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.config import out_of_range, raise_problems
from ostinato.engine.cpu import cores_here
from ostinato.engine.kernels import Kernel
from ostinato.engine.packing import PackedModel
from ostinato.engine.watching import ThreadWatch

_WORTH_A_TEAM = 300_000  # bytes of weights for each member; with fewer there is little to gain, and more to lose
_MEETING_PLACES = 16
_MOST_THREADS = 1024


def check_threads(count: int | None) -> None:
    """Check a number of threads that a user asks for.

    Raises:
        ConfigError: It is under 1, or more than any machine has.
    """
    raise_problems([out_of_range("threads", 1 if count is None else count, least=1, most=_MOST_THREADS)])


#: What a team does, its size on a quiet machine, and its rows: steps of one such work take about the same time.
Work: TypeAlias = tuple[str, int, int]


@dataclass(frozen=True)
class Sharing:
    """Division of the work among threads.

    Attributes:
        parts: First row and number of rows of each part.
        team: Number of threads that work on each part; more than one only if there is one part.
        work: Work whose speed is watched, where that decides the size of the team; see ``Work``.
    """

    parts: tuple[tuple[int, int], ...]
    team: int
    work: Work | None = None


class Threads:
    """Threads that are started when they are first needed.

    Args:
        count: Number of threads; ``None``: as many as there are cores.

    Raises:
        ConfigError: The count is under 1.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = cores_here() if count is None else count
        check_threads(self.count)
        self._crew: _Crew | None = None
        self._teams: dict[Work, ThreadWatch] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"count": self.count}  # threads cannot be copied, or sent to another process

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["count"])  # type: ignore[misc]

    def share(self, model: PackedModel, rows: int, work: str, *, in_step: bool = False) -> Sharing:
        """Return a division of the rows among threads if each gets several, else of the units of all rows among a team.

        Args:
            model: Model that is run.
            rows: Number of rows.
            work: Name of the work on these rows: a step of other work takes another time.
            in_step: Whether all rows have to stop at the same step.
        """
        if rows >= 4 * self.count and not in_step:
            cuts = [rows * part // self.count for part in range(self.count + 1)]
            return Sharing(tuple((low, high - low) for low, high in itertools.pairwise(cuts)), 1)
        # Members wait for each other busily, which more of them than cores would make slow.
        team = max(1, min(self.count, cores_here(), model.bytes_of_a_step // _WORTH_A_TEAM))
        key = (work, team, rows)
        return Sharing(((0, rows),), self._watch(key).count, key)

    def note(self, sharing: Sharing, steps: int, seconds: float) -> None:
        """Note how long some steps took: beside another program a team waits for itself, and one thread is faster."""
        if sharing.work is not None and sharing.work[1] > 1 and steps:
            self._watch(sharing.work).take(seconds, steps)

    def _watch(self, work: Work) -> ThreadWatch:
        usual = work[1]
        return self._teams.setdefault(work, ThreadWatch(usual, usual, look=0.1, wait=1.0, most_wait=16.0))

    def run(self, kernel: Kernel, blocks: Sequence[NDArray[np.int64]], rounds: int = 1) -> None:
        """Run a kernel with each block at the same time, and wait for all of them, ``rounds`` times.

        An error, Ctrl-C included, is raised when all are done.
        """
        if len(blocks) == 1:
            for _ in range(rounds):
                kernel(blocks[0])
            return
        with self._lock:  # members of two teams may not wait for each other's threads
            if self._crew is None or self._crew.process != os.getpid() or self._crew.size < len(blocks):
                self._crew = _Crew(max(self.count, len(blocks)))  # of another process none is left after a fork
            for _ in range(rounds):
                self._crew.run([lambda block=block: kernel(block) for block in blocks])  # type: ignore[misc]


class _Job:
    """One thread's share of a call."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self.problem: BaseException | None = None
        self.is_done = threading.Event()

    def do(self) -> None:
        """Do the work, and keep an error that it raises."""
        try:
            self._act()
        except BaseException as error:  # raised again where it is waited for
            self.problem = error
        finally:
            self.is_done.set()


class _Crew:
    """Threads that wait for work; all exist before any gets some, as members of a team wait for each other."""

    def __init__(self, size: int) -> None:
        self.size, self.process = size, os.getpid()
        self._work: list[SimpleQueue[_Job]] = [SimpleQueue() for _ in range(size - 1)]
        for number, work in enumerate(self._work):
            threading.Thread(target=_serve, args=(work,), name=f"ostinato-{number}", daemon=True).start()

    def run(self, acts: Sequence[Callable[[], None]]) -> None:
        """Do everything at the same time; the first in this thread."""
        first, *others = jobs = [_Job(act) for act in acts]
        for work, job in zip(self._work, others, strict=False):
            work.put(job)
        first.do()
        interrupted: BaseException | None = None
        for job in others:
            while not job.is_done.is_set():
                try:
                    job.is_done.wait()
                except BaseException as error:  # even Ctrl-C waits: others still write to what would be given up
                    interrupted = error
        for problem in (interrupted, *(job.problem for job in jobs)):
            if problem is not None:
                raise problem


def _serve(work: SimpleQueue[_Job]) -> None:
    while True:
        work.get().do()


def meeting_place() -> NDArray[np.int64]:
    """Return the barrier at which a team's members meet; see ``ostinato.engine.compiled.network.Team``."""
    place = np.zeros(_MEETING_PLACES, dtype=np.int64)
    place[8] = _let_others_run()
    return place


def _let_others_run() -> int:
    """Return the address of the system's function that yields the core for a moment; 0 where there is none."""
    library, name = ("kernel32", "SwitchToThread") if os.name == "nt" else (None, "sched_yield")
    try:
        return ctypes.cast(ctypes.CDLL(library)[name], ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return 0
