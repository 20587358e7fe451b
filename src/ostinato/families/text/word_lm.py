"""The word language model: frequent words as symbols, rare ones spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostinato.families.recipe import Budget, Recipe
from ostinato.families.text.family import TEXT
from ostinato.families.text.settings import LanguageModelSettings

_CHARACTERS_PER_WORD = 4  # about; a budget counts characters before the codec is learned
_WINDOW = 32
_HIDDEN = 256


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes by the amount of data; dropout keeps a word model from overfitting small data."""
    words = budget.symbols // _CHARACTERS_PER_WORD
    batch_size = max(1, min(32, words // (_WINDOW * 8)))
    return {
        "codec": "words",
        **({"unknown": "unk"} if given.get("codec") == "plain-words" else {}),
        "hidden_size": _HIDDEN,
        "embedding_size": given.get("hidden_size", _HIDDEN),  # what is tied has one width
        "tied": given.get("core") != "jordan",
        "dropout": 0.0 if given.get("core") == "jordan" else 0.5,
        "input_dropout": 0.2,
        "vocabulary": max(100, min(20_000, words // 20)),
        "batch_size": 64 if budget.items else batch_size,
        "window": 64 if budget.items else _WINDOW,
        "learning_rate": 3e-3,
    }


RECIPE = Recipe(
    name="word-lm",
    summary="a language model over words, the output layer tied to the embedding",
    source="Mikolov et al. 2010; Zaremba et al. 2014, arXiv:1409.2329; Press and Wolf 2017, arXiv:1608.05859",
    settings=LanguageModelSettings,
    family=TEXT,
    sizes_for=sizes_for,
)
