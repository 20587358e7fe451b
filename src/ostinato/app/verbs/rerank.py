"""``rerank``: the lines of a file, the most probable first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.fillings import add_ranked, check_top, print_fillings
from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.data.corpus import lines
from ostinato.errors import ConfigError

EXAMPLES = """\
ostinato rerank runs/book candidates.txt --top 5
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("file", type=Path, metavar="FILE", help="one text per line ('-': stdin)")
    command.add_argument("--context", default="", metavar="TEXT", help="what stands before each (default: nothing)")
    command.add_argument(
        "--by", choices=("total", "per-symbol"), default="total", help="which log probability (default: %(default)s)"
    )
    add_ranked(command)


def act(args: Namespace) -> int:
    """Order the lines of a file, the most probable first."""
    check_top(args)
    texts = [line for line in lines([read_file(args.file)]) if line.strip()]
    if not texts:
        raise ConfigError(f"{args.file} has no line to rank")
    model = load_model(args)
    ranked = model.rerank(texts, context=args.context, by=args.by, unknown=args.unknown)
    print_fillings(ranked[: args.top], args)
    return 0
