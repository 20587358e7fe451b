"""Folk tunes in ABC notation as tokens: folk-rnn, with whole tunes kept apart and every key one language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ostinato.data import Corpus
from ostinato.data.corpus import lines
from ostinato.errors import CorpusError
from ostinato.music import read_tunebook
from ostinato.music.cleaning import Cleaned, clean
from ostinato.music.forms import normal
from ostinato.music.tokens import simplified, tokens_of
from ostinato.recipes.base import Budget, Recipe
from ostinato.recipes.language_model import LanguageModelSettings

_HEADER = 20  # characters
_SHOWN = 6  # lines of the report on a corpus
_LONGEST = 512  # tokens of a tune that back-propagation reaches; few are longer


def read(corpus: Corpus) -> Corpus:
    """Turn tunebooks into items, a tune each in tokens, with settings of one tune as a group.

    Raises:
        CorpusError: No tune can be learned from.
    """
    if not any(line.startswith("X:") for line in _lines(corpus)) and any(_is_tokens(text) for text in corpus.texts):
        return corpus  # they are tokens already
    cleaned = cleaned_tunes(corpus)
    if not cleaned.tunes:
        raise CorpusError(
            "there is no tune to learn from. A tune in ABC notation begins with X: and its header ends with K:\n"
            + "\n".join(cleaned.told()[:_SHOWN])
        )
    texts = tuple(" ".join(tokens_of(normal(simplified(tune)))) for tune in cleaned.tunes)
    notes = (*corpus.notes, *cleaned.told()[: 1 + len({one.kind for one in cleaned.left_out})])
    return replace(
        corpus, kind="items", texts=texts, groups=tuple(cleaned.groups), notes=notes, known_size=None,
        known_alphabet=None, made_by=(*corpus.made_by, "tunes as tokens"),
    )  # fmt: skip


def cleaned_tunes(corpus: Corpus) -> Cleaned:
    """Read the tunes of a corpus of tunebooks, and say what is wrong with the others."""
    names = ", ".join(source["name"] for source in corpus.sources) or "the corpus"
    return clean([(names, read_tunebook(_lines(corpus)))])


def _is_tokens(text: str) -> bool:
    return text.startswith("M:") and " K:" in text[:_HEADER]


def _lines(corpus: Corpus) -> Iterator[str]:
    return iter(corpus.texts) if corpus.kind == "items" else lines(corpus.texts)


def choose(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """One layer and much dropout: tunes are few."""
    width = 512 if budget.minutes >= 4 else 384
    compiled = budget.device == "cpu" and given.get("hidden_size", width) % 64 == 0
    return {
        "codec": "tokens",
        "core": "capped-lstm" if compiled else "lstm",
        "hidden_size": width,
        "dropout": 0.0 if given.get("core") == "jordan" else 0.4,
        "input_dropout": 0.05,
        "batch_size": 64,
        "window": _LONGEST,
        "learning_rate": 4e-3,
        "cooldown": 0.4,
    }


RECIPE = Recipe(
    name="folk",
    summary="folk tunes in ABC notation, as tokens relative to the tonic; 'compose' writes with it",
    source="Sturm, Santos, Ben-Tal and Korshunova 2016, arXiv:1604.08723 (folk-rnn)",
    settings=LanguageModelSettings,
    choose=choose,
    read=read,
)
