"""Settings that all recipes for labelled sequences share, and the codec, model and task that are built from them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ostinato import codecs
from ostinato.codecs import Codec, FrameCodec, LabelCodec, PairCodec
from ostinato.config import out_of_range
from ostinato.data import Corpus
from ostinato.data.columns import Texts
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE, source_texts
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.encoding import build_encoder
from ostinato.families.labels.reading import LabelReading
from ostinato.families.labels.rows import Labelled
from ostinato.families.settings import WIDEST, CoreSettings

if TYPE_CHECKING:
    from ostinato.cores.encoders import Encoder
    from ostinato.families.labels.heads import LabelHead
    from ostinato.families.labels.inputs import Input
    from ostinato.families.labels.network import Labeller, LabelTask


_BLOCK = 2**16  # frames whose squares are in memory at once
_RANGE = 20.0  # deviations that the range of a number is at most


@dataclass(frozen=True)
class LabelSettings(CoreSettings, abc.ABC):
    """Settings of every model of labels, besides those of every recipe.

    Attributes:
        encoder: both-ways, forwards, backwards (reads sources from their end) or convolutional.
        embedding_size: Width of an embedded symbol or word of a text.
        kernel: Number of places that a convolution reads.
        longest: Number of places with an embedding of their own, in convolutions; sources may not be longer.
        input_dropout: Probability that a number of the encoder's inputs is dropped.
        vocabulary: Most words or subwords.
        lower: Whether letters of texts are made small.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("vocabulary",)
    encoder: Literal["both-ways", "forwards", "backwards", "convolutional"] = "both-ways"
    core: str = "lstm"
    hidden_size: int = 128
    embedding_size: int = 64
    kernel: int = 3
    longest: int = 2048
    input_dropout: float = 0.0
    vocabulary: int = 20_000
    lower: bool = False

    @abc.abstractmethod
    def reading(self) -> LabelReading:
        """Return the options of reading files."""

    @abc.abstractmethod
    def learn_source(self, train_part: Corpus, valid_part: Corpus) -> Codec:
        """Learn the codec of sources: their symbols, or the mean and deviation of frames."""

    @abc.abstractmethod
    def build_input(self, codec: Codec) -> Input:
        """Build the input layer of the encoder."""

    @abc.abstractmethod
    def build_head(self, encoder: Encoder, labels: int) -> LabelHead:
        """Build the distribution over labels."""

    def check_lengths(self, rows: Labelled) -> None:
        """Check that sequences are long enough for their labels. A hook of recipes whose sequences may be too short.

        Raises:
            CorpusError: One is not.
        """

    def problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield from super().problems()
        values = asdict(self)
        for name in ("embedding_size", "kernel", "longest", "vocabulary"):
            yield out_of_range(name, values[name], least=1, most=10**9 if name == "vocabulary" else WIDEST)
        yield out_of_range("input_dropout", self.input_dropout, least=0, below=1)
        if self.encoder == "convolutional" and self.kernel % 2 == 0:
            yield f"kernel must be odd, so that each place has as many before as after it; got {self.kernel}"
        yield from self.own_problems(values)

    def own_problems(self, values: dict[str, Any]) -> Iterator[str | None]:
        """Yield the problems of a recipe's own settings. A hook of recipes."""
        yield from ()


@dataclass(frozen=True)
class SequenceSettings(LabelSettings, abc.ABC):
    """Settings of models that read texts symbol by symbol, or frames.

    Attributes:
        codec: Codec of texts: characters, bytes, words or subwords.
        frame: Numbers per frame that longer frames of arrays are cut into; null: they are not cut.
        normalise: Normalisation of frames: each number by its own mean and deviation (each), or by that of all
            (together).
        stack: Number of successive frames read as one.
        bands: Number of frequency bands in a frame of sound.
        highest: Upper end of the highest band of sound, in Hz.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("codec", "vocabulary", "frame", "normalise", "bands", "highest")
    codec: Literal["bytes", "characters", "subwords", "words"] = "characters"
    frame: int | None = None
    normalise: Literal["each", "together"] = "each"
    stack: int = 1
    bands: int = 40
    highest: int = 4000

    def own_problems(self, values: dict[str, Any]) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield out_of_range("frame", 1 if self.frame is None else self.frame, least=1)
        yield out_of_range("stack", self.stack, least=1)
        yield out_of_range("bands", self.bands, least=4, most=128)
        yield out_of_range("highest", self.highest, least=100)
        if self.codec == "subwords":
            yield out_of_range("vocabulary", self.vocabulary, least=256)

    def learn_source(self, train_part: Corpus, valid_part: Corpus) -> Codec:
        """Learn the codec of sources: their symbols, or the mean and deviation of frames."""
        frames = frames_of(train_part)
        self._check_kind(frames=frames is not None)
        if frames is not None:
            return measured(frames, together=self.normalise == "together")
        spaced = " " if self.codec == "words" else ""
        # An alphabet says nothing about the texts, so that of the validation part may be known as well.
        parts = (train_part, valid_part) if self.codec == "characters" else (train_part,)
        texts = [spaced + text for part in parts for text in source_texts(part) or ()]
        return codecs.learn(self.codec, texts, end=False, vocabulary=self.vocabulary, unknown="unk")

    def _check_kind(self, *, frames: bool) -> None:
        """Refuse settings that do not apply to sources of this kind."""
        names = ("codec", "lower", "vocabulary", "embedding_size") if frames else ("frame", "stack", "bands", "highest")
        usual, own = {field.name: field.default for field in dataclasses.fields(self)}, asdict(self)
        if odd := [name for name in names if own[name] != usual[name]]:
            of, are = ("texts", "frames") if frames else ("frames", "texts")
            raise ConfigError(f"{', '.join(odd)}: for {of}, and the sources are {are}; leave it out")

    def build_input(self, codec: Codec) -> Input:
        """Build the input layer of the encoder."""
        from ostinato.families.labels.inputs import FrameInput, SymbolInput

        if isinstance(codec, FrameCodec):
            return FrameInput(codec.mean, codec.deviation, stack=self.stack)
        return SymbolInput(codec.size, self.embedding_size)


def measured(frames: Frames, *, together: bool) -> FrameCodec:
    """Return the codec with mean and deviation of the numbers in frames.

    Unless ``together``, the deviation of a number is at least a twentieth of its range, so that one that hardly ever
    changes does not explode when it does.
    """
    mean = frames.values.mean(axis=0, dtype=np.float64)
    squares = (
        np.square(frames.values[n : n + _BLOCK] - mean).sum(axis=0) for n in range(0, len(frames.values), _BLOCK)
    )
    square = np.sum(list(squares), axis=0) / len(frames.values)
    if together:
        whole = mean.mean()
        deviation = np.full_like(mean, np.sqrt((square + (mean - whole) ** 2).mean()))
        mean = np.full_like(mean, whole)
    else:
        spread = frames.values.max(axis=0).astype(np.float64) - frames.values.min(axis=0)
        deviation = np.maximum(np.sqrt(square), spread / _RANGE)
    return FrameCodec(mean.tolist(), np.where(deviation > 0, deviation, 1.0).tolist())


def learn_label_codec(settings: LabelSettings, train_part: Corpus, valid_part: Corpus) -> PairCodec:
    """Learn the codec of sources from the training part, and the labels from both parts."""
    reading = settings.reading()
    targets = [text for part in (train_part, valid_part) for text in part.texts]
    labels = LabelCodec.learn(targets, unit=reading.unit, end=True)
    if len(labels.names) == 1 and reading.stack is None:
        raise CorpusError(f"there is only one label, {labels.names[0]!r}: nothing can be learned")
    return PairCodec(settings.learn_source(train_part, valid_part), labels)


def labels_of_codec(codec: PairCodec) -> int:
    """Return the number of labels; the end symbol is none."""
    return codec.size - 1


def build_labeller(settings: LabelSettings, codec: PairCodec) -> Labeller:
    """Build the network, with weights drawn from PyTorch's present random state."""
    from ostinato.families.labels.network import Labeller

    entry = settings.build_input(codec.source)
    encoder = build_encoder(settings, entry.size)
    return Labeller(entry, encoder, settings.build_head(encoder, labels_of_codec(codec)))


def build_label_task(settings: LabelSettings, model: Labeller) -> LabelTask:
    """Build the task of training a model as the settings say."""
    from ostinato.families.labels.network import LabelTask

    if settings.precision == "auto":
        raise ConfigError("precision = 'auto' is to be resolved by a trial before a task is built")
    return LabelTask(
        model, input_dropout=settings.input_dropout, dropout=settings.dropout, precision=settings.precision
    )


def check_kinds(codec: PairCodec, corpora: Sequence[Corpus]) -> None:
    """Check that corpora are of the kind that a model reads: texts, or frames of the right width.

    Raises:
        ConfigError: They are not.
    """
    for corpus in corpora:
        frames = frames_of(corpus)
        if isinstance(codec.source, FrameCodec) != (frames is not None):
            wants = codec.source.symbols if isinstance(codec.source, FrameCodec) else "texts"
            raise ConfigError(f"the model reads {wants}, and given are {'texts' if frames is None else 'frames'}")
        if frames is not None and isinstance(codec.source, FrameCodec) and frames.width != codec.source.width:
            raise ConfigError(f"the model reads {codec.source.symbols}, and given are frames of {frames.width}")


def check_labels(codec: PairCodec, corpora: Sequence[Corpus]) -> None:
    """Check that a codec knows all labels of corpora.

    Raises:
        CorpusError: It does not; with the place of the first.
    """
    labels = codec.target
    assert isinstance(labels, LabelCodec)
    for corpus in corpora:
        for number, text in enumerate(corpus.texts):
            if unknown := labels.unknown_in(text):
                place = corpus.places[number] if corpus.places else f"sequence {number + 1:,}"
                raise CorpusError(f"{place}: {labels.complaint(unknown[0])}")


def check_labelled(corpus: Corpus, settings: Mapping[str, Any]) -> Corpus:
    """Check that a corpus is one of labelled sequences; lower-case its texts if asked.

    Raises:
        CorpusError: It is not.
    """
    sources = source_texts(corpus)
    if corpus.kind != "items" or (sources is None and frames_of(corpus) is None):
        raise CorpusError(
            "this recipe learns from labelled sequences: lines of text, tab, label; columns; arrays; in Python of what "
            "read_labelled or corpus_of_pairs returns"
        )
    if not settings.get("lower") or sources is None:
        return corpus
    return dataclasses.replace(corpus, columns={SOURCE: Texts(tuple(text.lower() for text in sources))})


def frames_of(corpus: Corpus) -> Frames | None:
    """Return the sources of a corpus that are frames; ``None``: they are texts."""
    column = corpus.columns.get(SOURCE)
    return column if isinstance(column, Frames) else None
