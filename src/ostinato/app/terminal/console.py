"""The console of the command line: one whose reader may go away without the program ending behind our back."""

from __future__ import annotations

from rich.console import Console as RichConsole


class Console(RichConsole):
    """A console that raises ``BrokenPipeError`` where its reader is gone; rich's own ends the program."""

    def on_broken_pipe(self) -> None:
        """Raise what the system raised; ``ostinato.app.cli`` and training know what to do."""
        raise BrokenPipeError
