"""Tagging: a label for each word, read from both sides of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.codecs import Codec, SpelledCodec
from ostinato.config import out_of_range
from ostinato.data import Corpus
from ostinato.data.pairs import source_texts
from ostinato.errors import CorpusError
from ostinato.families.labels.family import LABELS
from ostinato.families.labels.reading import LabelReading, how_many
from ostinato.families.labels.settings import LabelSettings, check_labelled
from ostinato.families.recipe import Budget, Recipe
from ostinato.families.settings import WIDEST

if TYPE_CHECKING:
    from ostinato.cores.encoders import Encoder
    from ostinato.families.labels.heads import LabelHead
    from ostinato.families.labels.inputs import Input


@dataclass(frozen=True)
class TagSettings(LabelSettings):
    """Settings of a tagger.

    Attributes:
        columns: Number of columns read as input, from that of words on, in files of columns: words, then features.
        word_column: The column of words there, by number from 1 or by name; empty: the first one; FORM in CoNLL-U.
        tag_column: The column of labels there; empty: the last one; UPOS in CoNLL-U.
        column_size: Width of an embedded value of a further column.
        character_size: Width of an embedded character; a word's spelling is twice as wide. 0: it is not read.
        crf: Whether a conditional random field scores the labels of a sentence jointly.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("vocabulary", "columns")
    columns: int = 1
    word_column: str | int = ""
    tag_column: str | int = ""
    column_size: int = 16
    character_size: int = 32
    crf: bool = True

    def own_problems(self, values: dict[str, Any]) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield out_of_range("columns", self.columns, least=1)
        yield out_of_range("column_size", self.column_size, least=1, most=WIDEST)
        yield out_of_range("character_size", self.character_size, least=0, most=WIDEST)

    def reading(self) -> LabelReading:
        """Return the options of reading files."""
        return LabelReading(
            "words", per_word=True, columns=self.columns, words=str(self.word_column), tags=str(self.tag_column)
        )

    def learn_source(self, train_part: Corpus, valid_part: Corpus) -> Codec:
        """Learn words, values of further columns and characters."""
        return SpelledCodec.learn(source_texts(train_part) or (), vocabulary=self.vocabulary)

    def build_input(self, codec: Codec) -> Input:
        """Build the input layer of the encoder, for words."""
        from ostinato.families.labels.inputs import SpelledInput

        assert isinstance(codec, SpelledCodec)
        return SpelledInput(
            codec.starts, self.embedding_size, column_size=self.column_size, character_size=self.character_size
        )

    def build_head(self, encoder: Encoder, labels: int) -> LabelHead:
        """Build the distribution over labels."""
        from ostinato.families.labels.chain import ChainHead
        from ostinato.families.labels.heads import PlaceHead

        return (ChainHead if self.crf else PlaceHead)(encoder.memory_size, labels)


def prepare(corpus: Corpus, settings: Mapping[str, Any]) -> Corpus:
    """Check that each word has a label.

    Raises:
        CorpusError: Some have not, or there are no words.
    """
    corpus = check_labelled(corpus, settings)
    sources = source_texts(corpus)
    if sources is None:
        raise CorpusError("recipe tag reads words, and given are frames; recipes classify and ctc read those")
    check = how_many(LabelReading("words", per_word=True))
    for number, (source, target) in enumerate(zip(sources, corpus.texts, strict=True)):
        if told := check(source, target):
            raise CorpusError(f"{corpus.places[number] if corpus.places else f'sequence {number + 1:,}'}: {told}")
    return corpus


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose much dropout: a tagger soon knows its training data by heart."""
    return {
        "hidden_size": 128, "embedding_size": 100, "batch_size": 16, "learning_rate": 2e-3, "dropout": 0.5,
        "input_dropout": 0.3, "weight_decay": 0.01, "cooldown": 0.5, "average": 0.995,
    }  # fmt: skip


RECIPE = Recipe(
    name="tag",
    summary="a label for each word, read from both sides; 'label' tags text with it",
    source="Huang, Xu and Yu 2015, arXiv:1508.01991; spelling: Ma and Hovy 2016, arXiv:1603.01354",
    settings=TagSettings,
    sizes_for=sizes_for,
    prepare=prepare,
    endings=(".conllu",),
    family=LABELS,
)
