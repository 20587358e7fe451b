"""``infill``: what may stand in a gap of a text."""

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
ostinato infill runs/book "It was a ___ night."
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("text", help="text with one gap")
    command.add_argument("--gap", default="___", metavar="MARK", help="what marks it (default: %(default)s)")
    command.add_argument("--candidates", type=Path, metavar="FILE", help="what may stand there, one per line")
    command.add_argument("--samples", type=int, metavar="N", help="texts to draw for it (default: 64)")
    command.add_argument("--length", type=int, metavar="N", help="most symbols of each (default: 20)")
    command.add_argument("--seed", type=int, help="of the first (default: 1)")
    add_ranked(command)


def act(args: Namespace) -> int:
    """Propose what may stand in the gap of a text."""
    parts = args.text.split(args.gap) if args.gap else []
    if len(parts) != 2:
        times = max(0, len(parts) - 1)
        raise ConfigError(f"the text must have the gap {args.gap!r} exactly once, and has it {times} times")
    before, after = parts
    check_top(args)
    if args.candidates is not None and any(value is not None for value in (args.samples, args.length, args.seed)):
        raise ConfigError("--candidates says what may stand there; --samples, --length and --seed are for drawing it")
    model = load_model(args)
    if args.candidates is not None:
        candidates = list(lines([read_file(args.candidates)]))
        fillings = model.fill(before, after, candidates, unknown=args.unknown)
        fillings = sorted(fillings, key=lambda filling: -filling.log_prob)[: args.top]
    else:
        given = {name: vars(args)[name] for name in ("samples", "length", "seed") if vars(args)[name] is not None}
        fillings = model.infill(before, after, top=args.top or 10, unknown=args.unknown, **given)
    print_fillings(fillings, args)
    return 0
