"""``inspect``: look inside a model while it reads a sequence."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.looking import print_view
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import write_file
from ostinato.app.terminal.working import WorkView
from ostinato.errors import ConfigError
from ostinato.families import Family
from ostinato.families.inspect_options import DETAILS, VIEWS_TITLE

EXAMPLES = """\
ostinato inspect runs/book "He said." --guesses 3
ostinato inspect runs/book --html cells.html
ostinato inspect runs/code --find quotes,indent,comment
ostinato inspect runs/book --cells 1:37 --hold 1:37=-1
ostinato inspect runs/translator "Ein Hund." --attention
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text, or file of music, to look at (default: what the run held out)")
    what.add_argument("--file", type=Path, help="look at a file ('-': stdin)")
    command.add_argument("--html", type=Path, metavar="FILE", help="write one page that needs nothing else")
    command.add_argument("--json", action="store_true", help="objects on standard output")
    add_family_options(command, "inspect")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Look inside a model."""
    if args.html is not None and args.html.exists():
        raise ConfigError(f"{args.html} exists already and is never overwritten; choose another name")
    model = load_model(args)
    family: Family = model.recipe.family
    options = given_options(args, "inspect", family)
    for name, of in DETAILS.items():
        if name in options and of and not options.keys() & set(of):
            raise ConfigError(f"--{name} is for --{' and --'.join(of)}; leave it out")
    with WorkView(Console(stderr=True)) as work:
        inspection = model.inspect_on(_text(args, family), {**options, "unknown": args.unknown})
        for note in inspection.notes:
            print(note, file=sys.stderr)
        asked = [name for name in _views_of(family) if name in options]
        names = asked or ([] if args.html is not None else [inspection.usual])
        told = {**options, "progress": work.watch}
        last = sorted(names, key=lambda name: name == "cells")  # which shows the units that others find
        taken = {name: inspection.look(name, options.get(name), told) for name in last}
        views = [taken[name] for name in names]
        page = None if args.html is None else inspection.page([*views, *inspection.beside(views)])
    console = Console()
    for number, view in enumerate(views):
        if number and not args.json:
            print()
        print_view(view, console, as_objects=args.json)
        for note in view.notes:
            print(f"({note})", file=sys.stderr)
    if page is not None:
        write_file(args.html, page.encode())
        print(f"wrote {args.html}", file=sys.stderr)
    return 0


def _views_of(family: Family) -> list[str]:
    """Return the names of the views that models of a family may have, in the order of the help."""
    groups = (group for group in family.options["inspect"] if group.title == VIEWS_TITLE)
    return [option.name for group in groups for option in group.options if option.name not in DETAILS]


def _text(args: Namespace, family: Family) -> str | None:
    """Return the sequence as it is typed: the text, what a file holds, or the name of a file of the family's kind."""
    if args.file is None:
        return None if args.text is None else str(args.text)
    return str(args.file) if family.takes_files else read_file(args.file)
