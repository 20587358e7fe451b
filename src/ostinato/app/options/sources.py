"""Arguments about how files are read, and the sources that they describe."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from ostinato.app.terminal.working import WorkView
from ostinato.config import at_least
from ostinato.data import Reading
from ostinato.data.blocks import AUTO
from ostinato.data.reading import size_on_disk
from ostinato.families import Sources


def add_reading(command: ArgumentParser) -> None:
    """Add how files are read."""
    group = command.add_argument_group("reading")
    group.add_argument(
        "--encoding", default=AUTO, help="of the files (default: UTF-8, UTF-16 with a mark, or else Windows-1252)"
    )
    group.add_argument(
        "--errors", choices=("strict", "replace", "ignore"), default="strict", help="for bytes that do not decode"
    )


def says_how_to_read(args: Namespace) -> bool:
    """Whether something is said about how files are read."""
    usual = Reading()
    return (args.encoding, args.errors) != (usual.encoding, usual.errors)


def sources_of(
    args: Namespace, names: Sequence[str], options: Mapping[str, Any], view: WorkView, *, part: str = "train"
) -> Sources:
    """Return what is to be read, and how.

    Args:
        args: The command's arguments.
        names: Files and all else that a corpus is read from.
        options: The family's options.
        view: Shows how far reading is.
        part: The part to read of a file with several.

    Raises:
        ConfigError: A number is out of range.
    """
    for name in ("longest", "pairs"):
        if name in options:
            at_least(f"--{name}", options[name], 1)
    return Sources(
        names,
        Reading(args.encoding, args.errors, options.get("column")),
        options,
        part=part,
        tick=view.reading(size_on_disk(names)),
        fetching=view.watch,
    )
