"""Write command-line.md from the program's own help: python docs/reference/make_command_line.py"""

import argparse
from pathlib import Path

from ostinato.app.commands import build_parser

PAGE = Path(__file__).with_name("command-line.md")
HEAD = """# Command line

Written by `docs/reference/make_command_line.py` from the program's own help.

Exit status: 0 done, 1 could not (one line says why), 2 wrong usage, 130 interrupted (what was made is kept).
`ostinato --debug COMMAND` shows the traceback of an error, `ostinato --version` the version.
"""


def label(action: argparse.Action) -> str:
    """How an argument is written."""
    value = str(action.metavar or ("/".join(action.choices) if action.choices else action.dest.upper())).replace(
        "|", "/"
    )
    if not action.option_strings:
        return value.upper()
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _is_hidden(action: argparse.Action) -> bool:
    return action.help is argparse.SUPPRESS or isinstance(action, argparse._HelpAction)


def section(name: str, command: argparse.ArgumentParser) -> str:
    """One command's part of the page."""
    actions = [action for action in command._actions if not _is_hidden(action)]
    places = " ".join(label(action) for action in actions if not action.option_strings)
    rows = [f"| `{label(action)}` | {(action.help or '') % {'default': action.default}} |" for action in actions]
    return "\n".join(
        [f"## {name}", "", str(command.description), "", "```text", f"ostinato {name} {places}".rstrip(), "```", "",
         "| argument | meaning |", "|---|---|", *rows, ""]
    )  # fmt: skip


def page() -> str:
    """The whole page."""
    parser = build_parser()
    commands = parser._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    return "\n".join([HEAD, *(section(name, command) for name, command in commands.items())])  # type: ignore[union-attr]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
