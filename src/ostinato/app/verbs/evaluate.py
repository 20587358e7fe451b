"""``evaluate``: how good a model is on held-out data."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace

from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.options.sources import add_reading, sources_of
from ostinato.app.process import load_model
from ostinato.app.spreading import run_on_ray, shard_of
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.families import find_recipe
from ostinato.runs import read_about

EXAMPLES = """\
ostinato evaluate runs/book held-out.txt
ostinato evaluate runs/book held-out.txt --protocol dynamic --counts
ostinato evaluate runs/pairs test.tsv --beam 4
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("corpus", nargs="+", metavar="FILE", help="held-out data")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    add_reading(command)
    add_family_options(command, "evaluate")
    groups.model_file(command)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Measure a model on held-out data of its own kind."""
    family = find_recipe(read_about(args.model_file or args.run)["recipe"]).family
    options = given_options(args, "evaluate", family)
    shard_of(args, *args.corpus)
    if args.ray is not None:
        return run_on_ray(args)
    model = load_model(args)
    with WorkView(Console(stderr=True)) as view:
        corpus = model.read(sources_of(args, args.corpus, options, view, part="test"))
        for note in corpus.notes:
            print(note, file=sys.stderr)
        result = model.evaluate_on(corpus, {**options, "unknown": args.unknown}, view.watch)
    for note in result.notes:
        print(note, file=sys.stderr)
    print(as_json(result.plain()) if args.json or args.shard is not None else result.describe())
    if "report" in model.verbs and args.run.is_dir() and not args.json and args.shard is None:
        print_next([f"ostinato report {shlex.quote(str(args.run))}", "ostinato runs"])
    return 0
