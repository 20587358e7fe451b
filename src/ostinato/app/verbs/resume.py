"""``resume``: going on with a run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from ostinato.app.following import check_tensorboard, follow
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.options.sources import add_reading, says_how_to_read, sources_of
from ostinato.app.process import console_of, number_of_processes, with_processes
from ostinato.app.terminal.working import WorkView
from ostinato.data import Corpus
from ostinato.errors import ConfigError
from ostinato.families import find_recipe
from ostinato.runs import RunFolder

EXAMPLES = """\
ostinato resume runs/book
ostinato resume runs/book --minutes 10
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("--minutes", type=float, help="train so long from now on")
    command.add_argument(
        "--corpus",
        nargs="+",
        default=[],
        metavar="FILE",
        help="the files it was made with, needed only where the corpus was too large for the run and is no longer "
        "in the cache",
    )
    more = command.add_argument_group("more options")
    more.add_argument("--valid", metavar="FILE", help="with --corpus: the validation file, if the run had one")
    more.add_argument("--json", action="store_true", help="one object per evaluation on standard output")
    groups.teachers(more)
    groups.report(more)
    groups.tensorboard(more)
    add_reading(command)
    add_family_options(command, "resume")
    groups.machine(command, default_device=None)


def act(args: Namespace) -> int:
    """Go on with a run."""
    if args.tensorboard:
        check_tensorboard()
    about = RunFolder(args.run).config()
    recipe = find_recipe(about["recipe"])
    options = given_options(args, "resume", recipe.family)
    if not args.corpus and (args.valid is not None or says_how_to_read(args) or options):
        raise ConfigError(
            "--valid, --encoding, --errors, --column, --glob and --as say how to read what --corpus names"
        )
    if args.threads is None and number_of_processes() == about["processes"] > 1:  # a single one follows its record
        args.threads = about["threads"]
    with with_processes(args, args.device or about["device"]) as ranks:
        console = console_of(ranks, to_stderr=args.json)
        with WorkView(console, "setting up") as view:
            from ostinato.workshop.resume import resume

            def read(names: Sequence[str]) -> Corpus:
                return recipe.family.read(sources_of(args, names, options, view), recipe, about["settings"])

            training = resume(
                args.run,
                minutes=args.minutes,
                device=args.device,
                threads=args.threads,
                started=args.started,
                corpus=(lambda: read(args.corpus)) if args.corpus else None,
                valid=(lambda: read([args.valid])) if args.valid else None,
                watch=view.watch,
                ranks=ranks,
                teachers=args.teachers,
                report=not args.no_report,
            )
        return follow(
            training,
            console,
            json_lines=args.json,
            tensorboard=args.tensorboard,
            report=not args.no_report,
            teachers=args.teachers,
        )
