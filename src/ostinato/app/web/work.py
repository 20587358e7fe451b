"""Work off the event loop: a bounded pool, a bounded queue, and work that stops when its reader leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ostinato.errors import OstinatoError

T = TypeVar("T")
_WAITING = 32  # requests that may wait
_LOOKED_AFTER = 0.2  # seconds after which it is looked whether the client is still there


class BusyError(OstinatoError):
    """Too many requests are waiting."""


class LeftError(Exception):
    """The client has left, and its work has stopped."""


class Errand:
    """A request, as the work that is done for it knows it.

    Attributes:
        left: Set when the client has left.
        symbols: Number of symbols written for it so far.
    """

    def __init__(self) -> None:
        self.left = threading.Event()
        self.symbols = 0

    def wrote(self, symbols: int) -> None:
        """Count symbols, and stop if nobody waits for them any more.

        Raises:
            LeftError: The client has left.
        """
        self.symbols += symbols
        if self.left.is_set():
            raise LeftError


class Desk:
    """Does the work of requests. What takes long has a worker of its own, so that typing does not wait for it.

    Args:
        workers: Workers for what is quick.

    Attributes:
        requests: Number of requests so far.
        symbols: Number of symbols written so far.
        waiting: Number of requests that are being worked at, or wait.
    """

    def __init__(self, workers: int = 2) -> None:
        self._quick = ThreadPoolExecutor(workers, thread_name_prefix="ostinato")
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="ostinato-slow")
        self.requests = self.symbols = self.waiting = 0
        self._begun: set[Future[Any]] = set()

    @property
    def is_working(self) -> bool:
        """Whether a worker is at work."""
        return any(future.running() for future in list(self._begun))

    async def do(
        self,
        work: Callable[[Errand], T],
        *,
        slow: bool = False,
        is_gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> T:
        """Do some work and return its result.

        Args:
            work: The work.
            slow: Whether it may take long.
            is_gone: Tells whether the client has left.

        Raises:
            BusyError: Too many requests are waiting.
            LeftError: The client left before the work was done.
        """
        errand = self._enter()
        try:
            result: T = await self._done(
                self._submit(self._slow if slow else self._quick, work, errand), errand, is_gone
            )
            return result
        finally:
            errand.left.set()
            self._leave(errand)

    async def stream(
        self, make: Callable[[Errand], Iterator[Any]], is_gone: Callable[[], Awaitable[bool]] | None = None
    ) -> AsyncIterator[Any]:
        """Yield what an iterator yields, each item made by a worker when the one before it was taken.

        So a slow reader holds no worker, several streams take turns, and one whose reader leaves ends. With ``None`` an
        iterator gives up its turn.

        Args:
            make: Makes the iterator.
            is_gone: Tells whether the client has left; asked for before the first item alone, as afterwards whoever
                sends the items notices.

        Raises:
            BusyError: Too many requests are waiting.
            LeftError: The client left before the first item.
        """
        errand, ended = self._enter(), object()
        items = make(errand)
        try:
            while (
                item := await self._done(self._submit(self._quick, next, items, ended), errand, is_gone)
            ) is not ended:
                if item is not None:
                    is_gone = None
                    yield item
        finally:
            errand.left.set()
            self._leave(errand)

    def close(self) -> None:
        """End; what waits is dropped."""
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _done(self, future: Future[Any], errand: Errand, is_gone: Callable[[], Awaitable[bool]] | None) -> Any:
        """Wait for work; where its client leaves, it is told so, and dropped if it had not begun."""
        done = asyncio.wrap_future(future)
        while not (await asyncio.wait([done], timeout=_LOOKED_AFTER))[0]:
            if is_gone is not None and await is_gone():
                errand.left.set()
                if future.cancel():
                    raise LeftError
        return await done

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[..., Any], *given: Any) -> Future[Any]:
        future = pool.submit(work, *given)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def _enter(self) -> Errand:
        if self.waiting >= _WAITING:
            raise BusyError(f"{_WAITING} requests are waiting already; try again in a moment")
        self.requests, self.waiting = self.requests + 1, self.waiting + 1
        return Errand()

    def _leave(self, errand: Errand) -> None:
        self.waiting, self.symbols = self.waiting - 1, self.symbols + errand.symbols
