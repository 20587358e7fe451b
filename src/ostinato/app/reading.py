"""Whole files that commands name: prompts, lexicons, lines to rank; and how they say that pairs are read."""

from __future__ import annotations

import sys
from argparse import Namespace

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
    return PairLimits(args.longest, args.lower, args.pairs, args.skip_bad_pairs)
