"""Whole files that commands name: prompts, lexicons, lines to rank; and how they say that pairs are read."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from ostinato.config import at_least
from ostinato.data import Reading
from ostinato.data.pairs import PairLimits
from ostinato.data.reading import read_plain
from ostinato.errors import ConfigError


def read_file(file: object) -> str:
    """Return the text of a file; ``-`` is standard input."""
    return read_plain(str(file), Reading(), standard_input=sys.stdin.buffer)


def refuse_pair_options(args: Namespace, why: str) -> None:
    """Check that nothing is said of pairs.

    Raises:
        ConfigError: Something is, and ``why`` it cannot be.
    """
    if (args.longest, args.lower, args.pairs, args.skip_bad_pairs) != (None, False, None, False):
        raise ConfigError(f"--pairs, --longest, --lower and --skip-bad-pairs are for pairs that are read, {why}")


def pair_limits(args: Namespace) -> PairLimits:
    """What the command line says that pairs may be."""
    for name, given in (("--longest", args.longest), ("--pairs", args.pairs)):
        if given is not None:
            at_least(name, given, 1)
    return PairLimits(args.longest, args.lower, args.pairs, args.skip_bad_pairs)


def refuse_others(args: Namespace, what: str) -> None:
    """Check that nothing is said of an evaluation that models of ``what`` do not have.

    Raises:
        ConfigError: Something is.
    """
    given = {
        "another run": bool(args.others), "--protocol": args.protocol, "--windows": args.windows, "--seed": args.seed,
        "--counts": args.counts, "--cache": args.cache, "--column": args.column, "--shard": args.shard,
        "--ray": args.ray, "--adapt-method": args.adapt_method, "--adapt-rate": args.adapt_rate,
        "--adapt-decay": args.adapt_decay, "--adapt-segment": args.adapt_segment,
    }  # fmt: skip
    others: Sequence[str] = [name for name, value in given.items() if value is not None and value is not False]
    if others:
        raise ConfigError(f"{', '.join(others)} cannot go with a model of {what}; leave it out")
