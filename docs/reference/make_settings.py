"""Write settings.md from the docstrings of the recipes' settings: python docs/reference/make_settings.py"""

import dataclasses
import json
from pathlib import Path

from ostinato.families import RECIPES, Recipe
from ostinato.families.options import descriptions_of

PAGE = Path(__file__).with_name("settings.md")
HEAD = """# Settings

Written by `docs/reference/make_settings.py` from the docstrings of the recipes' settings.

`train --set NAME=VALUE` fixes a setting; it may be repeated. Those that are not given are chosen by the amount of data
and time (`ostinato recipes NAME` marks them), or are the defaults below. In Python:
`ostinato.train(…, settings={"NAME": VALUE})`.
"""


def section(recipe: Recipe) -> str:
    """One recipe's part of the page."""
    described = descriptions_of(recipe.settings)
    rows = [
        f"| `{field.name}` | `{json.dumps(field.default)}` | {described[field.name].replace('``', '`')} |"
        for field in dataclasses.fields(recipe.settings)
    ]
    head = [f"## {recipe.name}", "", f"{recipe.summary[0].upper()}{recipe.summary[1:]}.", ""]
    return "\n".join([*head, "| setting | default | meaning |", "|---|---|---|", *rows, ""])


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(section, RECIPES.values())])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
