"""``train``: a new run."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.following import check_tensorboard, follow, free_folder
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.options.sources import add_reading, sources_of
from ostinato.app.parser import run_path
from ostinato.app.process import console_of, with_processes
from ostinato.app.terminal.working import WorkView
from ostinato.config import parse_assignments
from ostinato.data import Corpus, read_corpus
from ostinato.data.reading import names_of_corpora
from ostinato.errors import ConfigError
from ostinato.families import Recipe
from ostinato.runs import RunFolder, read_about
from ostinato.runs.series import USUAL
from ostinato.workshop.plan import Amount
from ostinato.workshop.request import DATA_SEED, RunRequest, recipe_of

EXAMPLES = """\
ostinato train book.txt --minutes 10
ostinato train names.txt --as items --out runs/names
ostinato train tunes.abc --recipe folk --minutes 5
ostinato train --recipe addition --set digits=2
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument(
        "corpus", nargs="*", help="files, folders, globs, '-' (standard input), or names that 'data' lists"
    )
    command.add_argument("--recipe", help="system to train (default: char-lm, or that of --from); see 'recipes'")
    amount = command.add_mutually_exclusive_group()
    amount.add_argument("--minutes", type=float, help="wall time of all (default: 3)")
    amount.add_argument("--epochs", type=float, help="instead: passes over the training data")
    amount.add_argument("--steps", type=int, help="instead: training steps")
    command.add_argument("--out", type=Path, help="run folder to make (default: runs/NAME, after the corpus)")
    command.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a setting; may be repeated"
    )
    more = command.add_argument_group("more options")
    more.add_argument("--from", dest="base", type=run_path, metavar="RUN", help="start from this run's weights")
    more.add_argument("--seed", type=int, default=1, help="of first weights, order and dropout (default: %(default)s)")
    more.add_argument(
        "--valid", default="0.1", metavar="SHARE|FILE", help="share to set apart, or a file (default: %(default)s)"
    )
    groups.series(more, USUAL)
    more.add_argument("--json", action="store_true", help="one object per evaluation on standard output")
    groups.teachers(more)
    groups.report(more)
    groups.tensorboard(more)
    add_reading(command)
    add_family_options(command, "train")
    groups.unknown(more)
    groups.machine(command)


def act(args: Namespace) -> int:
    """Train a new run."""
    about = {} if args.base is None else read_about(args.base)
    recipe = recipe_of(args.recipe, about.get("recipe"))
    options = given_options(args, "train", recipe.family)
    settings = {**parse_assignments(args.settings, recipe.settings), **recipe.family.remembered(options)}
    if not args.corpus and recipe.generate_corpus is None:  # known before anything takes time
        read_corpus([])
    if run := next((name for name in args.corpus if os.path.isfile(os.path.join(name, "config.json"))), None):
        raise ConfigError(f"{run} is a run, not a corpus; to train it further: ostinato resume {run}")
    share = _share(args.valid)
    out = args.out or free_folder(Path("runs"), args.corpus[0] if args.corpus else recipe.name)
    RunFolder.check_free(out)
    if args.tensorboard:
        check_tensorboard()
    with with_processes(args, args.device) as ranks:
        console = console_of(ranks, to_stderr=args.json)
        with WorkView(console, "setting up") as view:
            from ostinato.workshop.start import set_up

            reader = _Reader(args, recipe, {**about.get("settings", {}), **settings}, settings, view)
            request = RunRequest(
                out=out,
                recipe=args.recipe,
                amount=Amount(args.minutes, args.epochs, args.steps),
                settings=settings,
                seed=args.seed,
                valid=reader.valid_part if share is None else share,
                base=args.base,
                teachers=tuple(args.teachers),
                unknown=args.unknown,
                device=args.device,
                threads=args.threads,
                command=args.command_line,
                started=args.started,
                watch=view.watch,
                report=not args.no_report,
                series=args.series,
            )
            training = set_up(reader.train_part, request, ranks)
        follows = {"json_lines": args.json, "tensorboard": args.tensorboard, "report": not args.no_report}
        return follow(training, console, teachers=args.teachers, **follows)


class _Reader:
    """Reads the corpora that a command names."""

    def __init__(self, args: Namespace, recipe: Recipe, given: dict[str, object], own: dict[str, object],
                 view: WorkView) -> None:  # fmt: skip
        self._args, self._recipe, self._given, self._own, self._view = args, recipe, given, own, view
        self._options = given_options(args, "train", recipe.family)

    def train_part(self) -> Corpus:
        """Read what is learned from, or have it made."""
        sources = sources_of(self._args, self._args.corpus, self._options, self._view)
        return self._recipe.corpus(sources, self._given, DATA_SEED, own=self._own)

    def valid_part(self, corpus: Corpus) -> Corpus:
        """Read the validation file, as a corpus of the same kind."""
        options = {**self._options, "kind": corpus.kind}
        sources = sources_of(self._args, [self._args.valid], options, self._view, part="test")
        return self._recipe.family.read(sources, self._recipe, self._given)


def _share(given: str) -> float | None:
    """The share that --valid names, or ``None`` where it names a file."""
    try:
        return float(given)
    except ValueError:
        if not given or (not os.path.exists(given) and given not in names_of_corpora()):
            raise ConfigError(f"--valid {given!r} is neither a share such as 0.1 nor a file that exists") from None
        return None
