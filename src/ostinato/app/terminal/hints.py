"""Hints: what to try next, after a command is done."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import shown


def print_next(commands: Sequence[str], console: Console | None = None) -> None:
    """Print commands to try next.

    Args:
        commands: The commands, as they are typed.
        console: Where; ``None``: standard error, if that is a terminal.
    """
    if console is None:
        if not sys.stderr.isatty():
            return
        console = Console(stderr=True)
    for number, command in enumerate(commands):
        line = f"{'      ' if number else 'next: '}{shown(command)}"
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)
