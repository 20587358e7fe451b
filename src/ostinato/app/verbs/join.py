"""``join``: the shards of an evaluation."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.reading import read_file
from ostinato.app.terminal.output import as_json
from ostinato.data.corpus import lines
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.training.evaluation import Losses

EXAMPLES = """\
ostinato join part-1.json part-2.json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("parts", nargs="+", type=Path, metavar="FILE", help="what each shard printed, in any order")
    command.add_argument("--json", action="store_true", help="one object on standard output")


def act(args: Namespace) -> int:
    """Join what the shards of an evaluation printed."""
    parts = []
    for path in args.parts:
        text = read_file(path)
        parts += [_part(line, str(path)) for line in lines([text]) if line.strip()]
    from ostinato.training.evaluation import join_losses

    evaluation = join_losses(parts).evaluation()
    print(as_json(evaluation.plain()) if args.json else evaluation.describe())
    return 0


def _part(line: str, where: str) -> Losses:
    from ostinato.training.evaluation import Losses

    try:
        return Losses.from_plain(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{where} is not what 'ostinato evaluate --shard' printed: {error!r}") from error
