"""A recipe for very small corpora: a narrow GRU over bytes with strong dropout."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ostinato
from ostinato.families import RECIPES, Budget, Recipe, register
from ostinato.families.text.family import TEXT
from ostinato.families.text.settings import LanguageModelSettings


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """The less there is to learn from, the narrower."""
    return {
        "codec": "bytes",
        "core": "gru",
        "hidden_size": 64 if budget.symbols < 20_000 else 128,
        "dropout": 0.5,
        "batch_size": 4,
        "window": 32,
    }


RECIPE = Recipe(
    name="tiny",
    summary="a narrow GRU over bytes, for a page or two of text",
    source="Cho et al. 2014, arXiv:1406.1078",
    settings=LanguageModelSettings,
    family=TEXT,
    sizes_for=sizes_for,
)

register(RECIPE)
try:
    with tempfile.TemporaryDirectory() as folder:
        corpus = ostinato.Corpus("text", ("to be or not to be, that is the question. " * 40,))
        training = ostinato.train(corpus, out=Path(folder) / "run", steps=4, recipe="tiny")
        model = training.to_end()
        assert model.settings.core == "gru"
        assert model.settings.hidden_size == 64
        assert model.codec.size == 256
finally:
    del RECIPES[RECIPE.name]  # only for the time of this example
