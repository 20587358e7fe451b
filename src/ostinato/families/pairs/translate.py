"""Translation, and any other task from text to text: an encoder, attention, a decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostinato.data import Corpus
from ostinato.data.columns import Texts
from ostinato.data.pairs import SOURCE, source_texts
from ostinato.errors import CorpusError
from ostinato.families.pairs.family import PAIRS
from ostinato.families.pairs.settings import PairSettings, going_together
from ostinato.families.recipe import Budget, Recipe

_SMALL = 300_000  # characters of both sides
_LONG_SIDE = 60  # characters of a pair, on average: above, words are worth more than characters


def prepare(corpus: Corpus, settings: Mapping[str, Any]) -> Corpus:
    """Check that a corpus is one of pairs, and lower-case it if asked.

    Raises:
        CorpusError: It is not.
    """
    sources = source_texts(corpus)
    if corpus.kind != "items" or sources is None:
        raise CorpusError(
            "this recipe learns from pairs: lines of source, tab, target; in Python of what read_pairs or "
            "corpus_of_pairs returns"
        )
    if not settings.get("lower"):
        return corpus
    lower = Texts(tuple(text.lower() for text in sources))
    return replace(corpus, texts=tuple(text.lower() for text in corpus.texts), columns={SOURCE: lower})


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose characters for short texts, words with more dropout for sentences, and narrower layers for little text."""
    long = budget.symbols / max(1, budget.texts) > _LONG_SIDE
    codec = given.get("codec", "words" if long else "characters")
    small = budget.symbols < _SMALL
    return {
        "codec": codec,
        "batch_size": 64,
        "learning_rate": 2e-3,
        "dropout": 0.3 if codec in ("words", "subwords") else 0.2,
        "input_dropout": 0.2 if codec in ("words", "subwords") else 0.1,
        "weight_decay": 0.01,
        "cooldown": 0.5,
        "hidden_size": 128 if small else 256,
        "embedding_size": 64 if small else 128,
        **going_together(given),
    }


RECIPE = Recipe(
    name="translate",
    summary="one text into another: encoder, attention, decoder; 'translate' writes with it",
    source="Bahdanau, Cho and Bengio 2014, arXiv:1409.0473; Sutskever et al. 2014, arXiv:1409.3215",
    settings=PairSettings,
    sizes_for=sizes_for,
    prepare=prepare,
    family=PAIRS,
)
