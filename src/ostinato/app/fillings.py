"""Texts in the order of their probability: what ``rerank`` and ``infill`` print."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ostinato.app.options import groups
from ostinato.app.terminal.output import as_json
from ostinato.errors import ConfigError
from ostinato.inspect.views import one_line

if TYPE_CHECKING:
    from ostinato.families.text.results import Filling


def add_ranked(command: ArgumentParser) -> None:
    """Add the arguments of commands that order texts."""
    command.add_argument("--top", type=int, metavar="N", help="show only the best N")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def check_top(args: Namespace) -> None:
    """Check that at least one text is asked for.

    Raises:
        ConfigError: None is.
    """
    if args.top is not None and args.top < 1:
        raise ConfigError(f"--top must be at least 1, got {args.top}")


def print_fillings(fillings: Sequence[Filling], args: Namespace) -> None:
    """Print texts with their probabilities, in their order."""
    if not args.json:
        print("log_prob\tper_symbol\ttext")
    for number, filling in enumerate(fillings, start=1):
        if args.json:
            print(as_json({"rank": number, **filling.plain()}))
        else:
            print(f"{filling.log_prob:.4f}\t{filling.per_symbol:.4f}\t{one_line(filling.text)}")
