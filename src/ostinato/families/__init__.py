"""Named systems, one file each. The table below is all there is to register."""

from ostinato.errors import unknown_name
from ostinato.families.base import Budget, Recipe
from ostinato.families.labels import classify, ctc, tag
from ostinato.families.pairs import addition, translate
from ostinato.families.text import char_lm, word_lm
from ostinato.families.text.settings import LanguageModelSettings
from ostinato.families.tunes import folk

_ALL = (
    char_lm.RECIPE,
    word_lm.RECIPE,
    folk.RECIPE,
    folk.FOLK_RNN,
    translate.RECIPE,
    addition.RECIPE,
    tag.RECIPE,
    classify.RECIPE,
    ctc.RECIPE,
)
RECIPES = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of a name.

    Raises:
        ConfigError: There is none.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES, where="--recipe")
    return RECIPES[name]


__all__ = ["RECIPES", "Budget", "LanguageModelSettings", "Recipe", "find_recipe"]
