"""Work off the event loop: a bounded pool, a bounded queue, and streams that stop when their reader leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ostinato.errors import OstinatoError

T = TypeVar("T")
_WAITING = 32  # requests that may wait


class BusyError(OstinatoError):
    """Too many requests are waiting."""


class Desk:
    """Does the work of requests.

    Attributes:
        requests: Number of requests so far.
        symbols: Number of symbols written so far.
        waiting: Number of requests that are being worked at, or wait.
    """

    def __init__(self, workers: int = 2) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ostinato")
        self.requests = self.symbols = self.waiting = 0

    async def do(self, work: Callable[[], T]) -> T:
        """Do some work and return its result.

        Raises:
            BusyError: Too many requests are waiting.
        """
        self._enter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.waiting -= 1

    async def stream(self, make: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
        """Yield what an iterator in a worker yields; it stops when the reader leaves.

        What it yields waits in memory, which caps on length bound: a slow reader does not hold a worker.

        Raises:
            BusyError: Too many requests are waiting.
        """
        self._enter()
        loop, left, ended = asyncio.get_running_loop(), threading.Event(), object()
        queue: asyncio.Queue[Any] = asyncio.Queue()

        def work() -> None:
            try:
                for item in make():
                    loop.call_soon_threadsafe(queue.put_nowait, item)
                    if left.is_set():
                        break
            except Exception as error:
                loop.call_soon_threadsafe(queue.put_nowait, error)
            loop.call_soon_threadsafe(queue.put_nowait, ended)

        self._pool.submit(work)
        try:
            while (item := await queue.get()) is not ended:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            left.set()
            self.waiting -= 1

    def close(self) -> None:
        """End; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _enter(self) -> None:
        if self.waiting >= _WAITING:
            raise BusyError(f"{_WAITING} requests are waiting already; try again in a moment")
        self.requests, self.waiting = self.requests + 1, self.waiting + 1
