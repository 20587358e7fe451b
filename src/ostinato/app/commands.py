"""The table of commands, and the parser that is made of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from ostinato.app.parser import CommandHelp, CommandParser


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: As it is typed.
        summary: Its purpose, in one line.
        module: Where ``arguments``, ``act`` and ``EXAMPLES`` are; it is imported only when the command is typed.
    """

    name: str
    summary: str
    module: str


def _verb(name: str, summary: str) -> Command:
    return Command(name, summary, f"ostinato.app.verbs.{name}")


#: In the order in which --help lists them.
COMMANDS: list[Command] = [
    _verb("demo", "train on a text that Python carries, for about a minute, and show the result"),
    _verb("train", "train a model on your own sequences"),
    _verb("sweep", "train a run for every combination of settings, side by side, and show which is best"),
    _verb("resume", "go on exactly where a run stopped, or train a finished run further"),
    _verb("generate", "write new text"),
    _verb("compose", "compose tunes whose every bar adds up, or polyphonic music"),
    _verb("tunes", "tell what tunebooks hold: what can be learned from, what adds up, what is copied"),
    _verb("rolls", "tell what files of polyphonic music hold: how many notes together, which, what is left out"),
    _verb("translate", "write the target that a model of pairs finds for a source"),
    _verb("label", "say what label a sequence has, or which its words have, with a model of labels"),
    _verb("novelty", "tell what a text copies from the training text"),
    _verb("score", "say how probable a text is, and where it surprises"),
    _verb("inspect", "look inside: what cells do over a text, what was expected, which cells know something"),
    _verb("rerank", "order the lines of a file, the most probable first"),
    _verb("infill", "propose what may stand in a gap of a text"),
    _verb("evaluate", "measure a model on held-out data"),
    _verb("join", "join what the shards of an evaluation printed"),
    _verb("serve", "open the studio: models answer in a browser, and to programs"),
    _verb("report", "say how good a run is and beside what, and write report.html into its folder"),
    _verb("info", "tell all about a run or model file"),
    _verb("runs", "list the runs in a folder"),
    _verb("compare", "set runs beside each other: settings that differ, losses, curves"),
    _verb("export", "put a run's best model into one file"),
    _verb("recipes", "list the systems that can be trained, or one's settings"),
    _verb("data", "list the corpora and data sets that have a name, and what is kept on disk"),
]


def module_of(name: str) -> ModuleType:
    """Import the module of a command."""
    return import_module(next(command.module for command in COMMANDS if command.name == name))


def build_parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Build the parser.

    Args:
        words: The command line: only the command that is typed there gets its arguments; ``None``: all do.
    """
    parser = CommandParser(
        prog="ostinato",
        description="A workshop for recurrent sequence models: train one on any text, generate from it, score with it.",
        epilog="First time here? 'ostinato demo' trains a model in a minute and shows what it can do.",
    )
    parser.add_argument("--version", action="version", version=f"ostinato {version('ostinato')}")
    parser.add_argument(
        "--plugin", action="append", metavar="FILE", help="first run this file, which registers recipes"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", dest="command", parser_class=CommandParser
    )
    typed = None if words is None else next((word for word in words if not word.startswith("-")), "")
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            formatter_class=CommandHelp,
        )
        if typed is None or typed == command.name:
            module = module_of(command.name)
            module.arguments(own)
            own.add_short_options()
            own.set_defaults(refuse=own.refuse)
            own.epilog = "examples:\n" + "".join(f"  {line}\n" for line in module.EXAMPLES.splitlines())
    return parser
