"""The process: parse, act, and turn every end into an exit status."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence

from ostinato.app.commands import build_parser, module_of
from ostinato.app.process import ignore_known_warnings, print_changes
from ostinato.app.terminal.output import shown
from ostinato.errors import ConfigError, OstinatoError, ToldElsewhereError

_BROKEN_PIPE = 141  # 128 and the number of SIGPIPE, as shells tell it
STARTED = time.monotonic()  # a time budget counts from here, imports included


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit status: 0 done, 1 could not, 2 wrong usage, 130 interrupted, 141 the reader of the output went away.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        words, plugins = _without_plugins(words)
    except ConfigError as error:
        print(f"error: {shown(error)}", file=sys.stderr)
        return 2
    args, rest = build_parser(words).parse_known_args(words)
    if rest:
        args.refuse(rest)
    args.plugins = plugins
    args.started = STARTED if argv is None else time.monotonic()
    args.words = [args.command, *args.words]  # with our names of options
    args.codec = None  # the model's, once it is loaded
    args.command_line = _recorded_command([*(word for plugin in plugins for word in ("--plugin", plugin)), *words])
    try:
        status: int = module_of(args.command).act(args)
        sys.stdout.flush()
        print_changes(args)
        return status
    except OstinatoError as error:
        if args.debug:
            raise
        if not isinstance(error, ToldElsewhereError):
            print(f"error: {shown(error)}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except BrokenPipeError:  # the reader, such as head, has had enough; what was asked for is not done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except OSError as error:  # what the system refused outside the places that know more about it
        if args.debug:
            raise
        print(f"error: {shown(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # the edge of the process: whatever it is, it is told in one line
        if args.debug:
            raise
        told = str(error).strip().splitlines() or [""]
        print(f"error: {type(error).__name__}: {shown(told[0])} (--debug shows where)", file=sys.stderr)
        return 1


def run() -> None:
    """Run the process's own command line and exit."""
    ignore_known_warnings()
    if not _open_streams():
        print("error: standard output is closed, so there is nowhere to print to; use >/dev/null", file=sys.stderr)
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):  # a pipe may know less characters than a model writes
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(main())


def _open_streams() -> bool:
    """Put the null device in place of standard streams that are closed; return whether standard output was open.

    Else print would send what is for standard error to standard output, and a file that is opened could get its number.
    """
    is_open = sys.stdout is not None
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if vars(sys)[name] is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            vars(sys)[name] = open(number, "r" if name == "stdin" else "w", closefd=False)  # noqa: SIM115
    return is_open


def _without_plugins(words: list[str]) -> tuple[list[str], list[str]]:
    """Load the plug-ins that a command line names, before it is parsed; return the words without them, and them.

    Raises:
        ConfigError: One cannot be loaded.
    """
    left, plugins = list[str](), list[str]()
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if word == "--":
            left += [word, *rest]
        elif flag == "--plugin":
            plugins.append(value if equals else next(rest, ""))
        else:
            left.append(word)
    if plugins:
        from ostinato.families import load_plugin

        for plugin in plugins:
            load_plugin(plugin)
    return left, plugins


def _recorded_command(argv: Sequence[str]) -> str:
    """The command for the record, without the folders of a user's machine."""
    return " ".join(["ostinato", *(os.path.basename(word) if os.sep in word else word for word in argv)])
