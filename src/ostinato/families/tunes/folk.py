"""Folk tunes in ABC notation as tokens: folk-rnn, with each tune an item, and all keys relative to their tonic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ostinato.data import Corpus
from ostinato.data.corpus import lines
from ostinato.errors import CorpusError
from ostinato.families.recipe import Budget, Recipe
from ostinato.families.text.settings import LanguageModelSettings
from ostinato.families.tunes.family import TUNES
from ostinato.music import read_tunebook
from ostinato.music.cleaning import Cleaned, clean
from ostinato.music.forms import normal
from ostinato.music.sounding import tones
from ostinato.music.titles import title_tokens
from ostinato.music.tokens import tokens_of, tune_of
from ostinato.music.transposing import transpose

_HEADER = 20  # characters
_SHOWN = 6  # lines of the report on a corpus
_FOR_WIDTH, _FOR_ROWS = 4, 6  # minutes; below, more steps are worth more than larger ones
_PLAYABLE = (50, 90)  # lowest and highest note, on C: what a fiddle plays in the usual keys
_LONGEST = 512  # tokens of a tune that back-propagation reaches; few are longer


@dataclass(frozen=True)
class FolkSettings(LanguageModelSettings):
    """Settings of a model of tunes: those of every language model, and two more.

    Attributes:
        titles: Whether a title follows each tune, so that the model learns to name the tunes that it composes.
        octaves: Whether each training tune is learned an octave higher and lower as well, if that is still playable.
            (Moving it to another key changes nothing: tunes are learned relative to their tonic.)
    """

    titles: bool = True
    octaves: bool = False


def prepare(corpus: Corpus, settings: Mapping[str, Any]) -> Corpus:
    """Turn tunebooks into items: one tune each, in tokens; all settings of a tune form a group.

    Args:
        corpus: Tunebooks, or tunes in tokens already.
        settings: Whether titles are learned: ``FolkSettings.titles``.

    Raises:
        CorpusError: No tune can be learned from.
    """
    if not any(line.startswith("X:") for line in _lines(corpus)) and any(_is_tokens(text) for text in corpus.texts):
        return corpus  # they are tokens already
    cleaned = cleaned_tunes(corpus)
    if not cleaned.tunes:
        raise CorpusError(
            "there is no tune to learn from. A tune in ABC notation begins with X: and its header ends with K:\n"
            + "\n".join(cleaned.report()[:_SHOWN])
        )
    titled = settings.get("titles", FolkSettings.titles)
    texts = tuple(
        " ".join([*tokens_of(normal(simple)), *(title_tokens(tune.title) if titled else [])])
        for tune, simple in zip(cleaned.tunes, cleaned.simple, strict=True)
    )
    notes = (*corpus.notes, *cleaned.report()[: 1 + len({one.kind for one in cleaned.left_out})])
    return replace(
        corpus, kind="items", texts=texts, groups=tuple(cleaned.groups), notes=notes, known_size=None,
        known_alphabet=None, made_by=(*corpus.made_by, "tunes as tokens"),
    )  # fmt: skip


def with_octaves(corpus: Corpus, settings: Mapping[str, Any]) -> Corpus:
    """Add every tune an octave higher and lower, if its notes stay playable and ``FolkSettings.octaves`` is set."""
    if not settings.get("octaves", FolkSettings.octaves):
        return corpus
    texts = tuple(other for text in corpus.texts for other in (text, *_octaves(text)))
    note = f"{len(texts) - len(tuple(corpus.texts)):,} training tunes more, an octave higher or lower"
    return replace(corpus, texts=texts, notes=(*corpus.notes, note), known_size=None, known_alphabet=None,
                   made_by=(*corpus.made_by, "octaves"))  # fmt: skip


def _octaves(text: str) -> Iterator[str]:
    tune = tune_of(text.split())
    for octaves in (1, -1):
        moved = transpose(tune, "C", octaves=octaves)
        if all(_PLAYABLE[0] <= tone.midi <= _PLAYABLE[1] for tone in tones(moved)):
            yield " ".join([*tokens_of(moved), *title_tokens(tune.title)])


def cleaned_tunes(corpus: Corpus) -> Cleaned:
    """Read the tunes of a corpus of tunebooks, and report the others with their faults."""
    names = [source["name"] for source in corpus.sources] or ["the corpus"]
    name = names[0] if len(names) == 1 else f"{len(names)} files, taken as one"  # as lines are counted
    return clean([(name, read_tunebook(_lines(corpus)))])


def _is_tokens(text: str) -> bool:
    return text.startswith("M:") and " K:" in text[:_HEADER]


def _lines(corpus: Corpus) -> Iterator[str]:
    return iter(corpus.texts) if corpus.kind == "items" else lines(corpus.texts)


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose one layer and much dropout: tunes are few."""
    width = 512 if budget.usual_minutes >= _FOR_WIDTH else 384
    compiled = budget.compiles(given.get("hidden_size", width))
    return {
        "codec": "tokens",
        "core": "capped-lstm" if compiled else "lstm",
        "hidden_size": width,
        "dropout": 0.0 if given.get("core") == "jordan" else 0.4,
        "input_dropout": 0.05,
        "batch_size": 16 if budget.usual_minutes < _FOR_ROWS else 32,
        "window": _LONGEST,
        "learning_rate": 4e-3,
        "cooldown": 0.4,
    }


RECIPE = Recipe(
    name="folk",
    summary="folk tunes in ABC notation, as tokens relative to the tonic; 'compose' writes with it",
    source="Sturm, Santos, Ben-Tal and Korshunova 2016, arXiv:1604.08723 (folk-rnn)",
    settings=FolkSettings,
    endings=(".abc",),
    family=TUNES,
    sizes_for=sizes_for,
    prepare=prepare,
    augment=with_octaves,
)


def sizes_for_folk_rnn(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the network of folk-rnn for any budget, but our learning rate: its own is for RMSProp and 100 passes."""
    return {
        **sizes_for(budget, given), "core": "lstm", "layers": 3, "hidden_size": 512, "embedding_size": 128,
        "dropout": 0.5, "input_dropout": 0.0, "variational": False, "activation_penalty": 0.0, "learning_rate": 3e-3,
    }  # fmt: skip


FOLK_RNN = Recipe(
    name="folk-rnn",
    summary="the network of folk-rnn (3×512, dropout 0.5) on the tokens of 'folk'",
    source=RECIPE.source,
    settings=FolkSettings,
    endings=(".abc",),
    family=TUNES,
    sizes_for=sizes_for_folk_rnn,
    prepare=prepare,
    augment=with_octaves,
)
