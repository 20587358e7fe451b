"""Adapting a model to the file that ``--adapt`` names, for ``generate`` and ``score``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ostinato.app.options.families import given_options
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.working import WorkView
from ostinato.data.reading import size_on_disk
from ostinato.errors import ConfigError
from ostinato.families import Sources
from ostinato.inspect.clamps import parse_clamp
from ostinato.training.adaptation import adaptation_of

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel


def adapted(args: Namespace, model: TextModel) -> TextModel:
    """Return the model after reading the file that ``--adapt`` names, or with units that ``--hold`` holds."""
    options = given_options(args, args.command, model.recipe.family)
    adaptation = adaptation_of(options, asked=args.adapt is not None, hint="--adapt FILE")
    if options.get("hold"):
        if adaptation is not None:
            raise ConfigError("--hold holds units of the model as it was trained; leave --adapt out")
        return model.clamped(*map(parse_clamp, options["hold"]))
    if adaptation is None:
        return model
    with WorkView(Console(stderr=True)) as view:
        names = [str(args.adapt)]
        text = model.read(Sources(names, tick=view.reading(size_on_disk(names))))
        return model.adapted(
            text, adaptation, unknown=args.unknown, tick=lambda done, total: view.watch("adapting", done, total)
        )
