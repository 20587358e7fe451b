"""The progress of long work besides training: a bar with an ETA in a terminal. Imports no PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ostinato.app.terminal.console import Console


class WorkView:
    """Show how far long work is, with an ETA, in a terminal; elsewhere nothing.

    Args:
        console: Where to.
        what: Name of the work, shown from the start; ``None`` shows nothing until ``watch`` is called.
    """

    def __init__(self, console: Console, what: str | None = None) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        if what is not None:
            self._bar.add_task(what, total=None)

    def __enter__(self) -> WorkView:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def watch(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` is done."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def reading(self, total: int) -> Callable[[int], None]:
        """Return what is to be told of bytes read, of ``total``."""
        done = 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            self.watch("reading the corpus", done, max(done, total))

        return tick


def show_compiling(what: str) -> AbstractContextManager[None]:
    """Say on standard error what is about to be compiled; in a terminal the seconds run while it is."""
    print(f"({what})", file=sys.stderr, flush=True)
    return _seconds_running()


@contextmanager
def _seconds_running() -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task("compiling, 5 to 20 seconds as a rule", total=None)
        yield
