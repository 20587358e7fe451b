"""``report``: how good a run is, in the terminal and as a page in its folder."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.app.reporting import write_report
from ostinato.app.terminal.console import Console

EXAMPLES = """\
ostinato report runs/book
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Report on a finished run."""
    write_report(load_model(args), args.run, Console())
    return 0
