"""``recipes``: the systems that can be trained, and their settings. Needs no PyTorch."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser, Namespace

from ostinato.engine.cpu import trains_fast
from ostinato.families import RECIPES, Budget, find_recipe, load_installed
from ostinato.families.options import descriptions_of
from ostinato.workshop.plan import DEFAULT_MINUTES

_USUAL_SYMBOLS = 1_000_000
_WIDTH = 32  # of a setting with its value

EXAMPLES = """\
ostinato recipes
ostinato recipes char-lm
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("name", nargs="?", help="recipe to show")


def act(args: Namespace) -> int:
    """List recipes, or the settings of one."""
    load_installed()
    if args.name is None:
        for recipe in RECIPES.values():
            print(f"{recipe.name:<10} {recipe.summary}")
        return 0
    recipe = find_recipe(args.name)
    usual = Budget(_USUAL_SYMBOLS, items=False, minutes=DEFAULT_MINUTES, compiled=trains_fast())
    chosen = recipe.sizes_for(usual, {})
    print(f"{recipe.name}: {recipe.summary}\nsource: {recipe.source}\n\nsettings; those with * are chosen by amount of")
    print(f"data and time, and shown as they are for {_USUAL_SYMBOLS:,} characters and {DEFAULT_MINUTES:g} minutes:")
    described = descriptions_of(recipe.settings)
    for field in dataclasses.fields(recipe.settings):
        value = chosen.get(field.name, field.default)
        line = f"  {field.name} = {json.dumps(value)}{' *' if field.name in chosen else ''}"
        print(f"{line:<{_WIDTH}}  {described[field.name]}")
    return 0
