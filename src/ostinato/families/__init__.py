"""The table of recipes and their families: one file each, one line here."""

from importlib import import_module

from ostinato.errors import ConfigError, unknown_name
from ostinato.families.base import Face, Family, Sources
from ostinato.families.machine import Machine
from ostinato.families.plugins import load_installed, load_plugin, loaded_files, plugin_of, unknown_part
from ostinato.families.recipe import Budget, Recipe

#: Where recipes are, in the order in which commands list them; each module may have several.
_RECIPES = (
    "text.char_lm",
    "text.word_lm",
    "tunes.folk",
    "pairs.translate",
    "pairs.addition",
    "labels.tag",
    "labels.classify",
    "labels.ctc",
    "rolls.rnn_nade",
    "rolls.rnn_rbm",
    "rolls.rnn_bernoulli",
    "rolls.note_lstm",
)
RECIPES: dict[str, Recipe] = {}
FAMILIES: dict[str, Family] = {}


def register(*recipes: Recipe) -> None:
    """Add recipes to the table, and their families with them.

    Raises:
        ValueError: A name is taken already.
    """
    for recipe in recipes:
        if recipe.name in RECIPES or FAMILIES.get(recipe.family.name, recipe.family) is not recipe.family:
            raise ValueError(f"there is a recipe {recipe.name!r} or a family {recipe.family.name!r} already")
        RECIPES[recipe.name] = recipe
        FAMILIES[recipe.family.name] = recipe.family


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a name, that of an installed plug-in included.

    Raises:
        ConfigError: There is none.
    """
    if name not in RECIPES:
        load_installed()
    if name not in RECIPES:
        error = str(unknown_name("recipe", name, RECIPES, where="--recipe"))
        raise ConfigError(error if "did you mean" in error else f"{error}. That of a plug-in needs --plugin FILE")
    return RECIPES[name]


def verbs_of_all() -> frozenset[str]:
    """Return every verb that the models of some family have."""
    return frozenset(verb for family in FAMILIES.values() for verb in family.verbs)


for _path in _RECIPES:
    register(*(value for value in vars(import_module(f"{__name__}.{_path}")).values() if isinstance(value, Recipe)))

__all__ = [
    "FAMILIES",
    "RECIPES",
    "Budget",
    "Face",
    "Family",
    "Machine",
    "Recipe",
    "Sources",
    "find_recipe",
    "load_installed",
    "load_plugin",
    "loaded_files",
    "plugin_of",
    "register",
    "unknown_part",
    "verbs_of_all",
]
