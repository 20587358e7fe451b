"""Hints: what to try next, after a command is done."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import shown
from ostinato.families import loaded_files


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
    plugins = "".join(f" --plugin {shlex.quote(file)}" for file in loaded_files())
    for number, command in enumerate(commands):
        line = f"{'      ' if number else 'next: '}{shown(command.replace('ostinato', f'ostinato{plugins}', 1))}"
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)
