"""Families of models as training sees them: how texts become symbols and batches, and what is built to learn them.

Sizes, schedules, checkpoints and all else are the same for each.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ostinato.codecs import Codec, PairCodec
from ostinato.data import Corpus, Encoded, Reading, Stream, build_stream, read_corpus
from ostinato.data.label_streams import Labelled
from ostinato.data.labelled import read_labelled
from ostinato.data.pair_streams import PairRows, Pairs, PairStream
from ostinato.data.pairs import PairLimits, read_pairs
from ostinato.recipes.labels import LabelSettings, build_label_task, build_labeller, learn_label_codec
from ostinato.recipes.language_model import LanguageModelSettings, build_model, build_task, learn_codec
from ostinato.recipes.pairs import PairSettings, build_pair_model, build_pair_task, learn_pair_codec

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models import Task
    from ostinato.training.ranks import Ranks
    from ostinato.training.validation import Measured


class Validates(Protocol):
    """Measures a task on a part of the held-out data.

    Attributes:
        symbols: How many targets that part has.
        sha256: Digest of that part: losses of runs can be compared where it is the same.
    """

    @property
    def symbols(self) -> int: ...
    @property
    def sha256(self) -> str: ...

    def __call__(self, task: Task) -> Measured:
        """Return the mean loss."""


class System(Protocol):
    """A family of models. Settings are of the recipe's own class.

    Attributes:
        commands: What its models are used with.
        unit: What losses are counted by.
    """

    @property
    def commands(self) -> str: ...
    @property
    def unit(self) -> str: ...

    def read(
        self, sources: Sequence[str], settings: Any, limits: PairLimits, reading: Reading, *, part: str = "train"
    ) -> Corpus:
        """Read files to learn from, or to measure with; of a file with several parts, one."""

    def codec(self, settings: Any, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        """Learn how texts become ids; ``alphabet`` has every character of both parts."""

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        """Return batches to train on, from their beginning."""

    def model(self, settings: Any, codec: Codec) -> nn.Module:
        """Build the network, with weights drawn from PyTorch's present random state."""

    def task(self, settings: Any, model: nn.Module) -> Task:
        """Build what is learned."""

    def validation(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Validates:
        """Return what measures a task, on a part of the data that the seed chooses."""

    def targets(self, codec: Codec, data: Encoded) -> int:
        """Count what an epoch learns to predict."""

    def amount(self, codec: Codec, data: Encoded) -> str:
        """Say how much data there are, for people."""

    def shape(self, settings: Any) -> str:
        """Say what the network is like, in a few words."""


class LanguageModels:
    """Models of running text, or of items."""

    commands, unit = "generate, score, evaluate", "symbol"

    def read(
        self, sources: Sequence[str], settings: Any, limits: PairLimits, reading: Reading, *, part: str = "train"
    ) -> Corpus:
        return read_corpus(sources, reading=reading)

    def codec(
        self, settings: LanguageModelSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]
    ) -> Codec:
        items = train_part.kind == "items"
        if settings.codec == "characters" and not settings.nfc:
            # An alphabet says nothing about the text, so that of the validation part may be known as well.
            return learn_codec(settings, alphabet, end=items)
        both = (train_part, valid_part) if settings.codec in ("characters", "tokens") else (train_part,)
        return learn_codec(settings, (text for part in both for text in part.texts), end=items)

    def stream(self, settings: LanguageModelSettings, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        return build_stream(
            data,
            codec.begin,
            items=codec.end is not None,
            batch_size=settings.batch_size,
            window=settings.window,
            seed=seed,
            restart=settings.restart,
        )

    def model(self, settings: LanguageModelSettings, codec: Codec) -> nn.Module:
        return build_model(settings, codec.size)

    def task(self, settings: LanguageModelSettings, model: Any) -> Task:
        return build_task(settings, model)

    def validation(
        self, settings: LanguageModelSettings, codec: Codec, data: Encoded, seed: int, ranks: Ranks
    ) -> Validates:
        from ostinato.training.validation import Validation

        items, limit = codec.end is not None, settings.valid_symbols
        return Validation(data, codec.begin, items=items, limit=limit, seed=seed, ranks=ranks)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def amount(self, codec: Codec, data: Encoded) -> str:
        return f"{len(data.ids):,} symbols"

    def shape(self, settings: LanguageModelSettings) -> str:
        return (
            f"{settings.layers}×{settings.hidden_size} {settings.core}, "
            f"{settings.batch_size} rows × {settings.window} steps"
        )


class _OfSources(abc.ABC):
    """What models of targets that belong to a source share: their batches, and how they are measured."""

    @abc.abstractmethod
    def rows(self, settings: Any, codec: Codec, data: Encoded) -> PairRows:
        """Return sources with their targets."""

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        return PairStream(self.rows(settings, codec, data), batch_size=settings.batch_size, seed=seed)

    def validation(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Validates:
        from ostinato.training.validation import PairValidation

        return PairValidation(self.rows(settings, codec, data), limit=settings.valid_symbols, seed=seed, ranks=ranks)


class PairModels(_OfSources):
    """Models of targets, given their sources."""

    commands, unit = "translate, evaluate", "symbol"

    def read(
        self, sources: Sequence[str], settings: Any, limits: PairLimits, reading: Reading, *, part: str = "train"
    ) -> Corpus:
        return read_pairs(sources, _lowered(limits, settings), reading=reading)

    def codec(self, settings: PairSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        parts = (train_part, valid_part) if settings.codec == "characters" else (train_part,)
        return learn_pair_codec(settings, [text for part in parts for text in part.texts])

    def rows(self, settings: PairSettings, codec: Codec, data: Encoded) -> PairRows:
        return Pairs(data, codec.begin)

    def model(self, settings: PairSettings, codec: Codec) -> nn.Module:
        assert isinstance(codec, PairCodec)
        return build_pair_model(settings, codec)

    def task(self, settings: PairSettings, model: Any) -> Task:
        return build_pair_task(settings, model)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return int((data.ids < codec.size).sum())  # the ids of sources come after those of targets

    def amount(self, codec: Codec, data: Encoded) -> str:
        return f"{data.texts:,} pairs ({self.targets(codec, data):,} target symbols)"

    def shape(self, settings: PairSettings) -> str:
        core = "" if settings.encoder == "convolutional" else f" {settings.core}"
        return (
            f"{settings.layers}×{settings.hidden_size}{core}, encoder {settings.encoder}, decoder {settings.decoder}, "
            f"{settings.batch_size} pairs at once"
        )


class LabelModels(_OfSources):
    """Models of labels, given their sources."""

    commands, unit = "label, evaluate", "label"

    def read(
        self,
        sources: Sequence[str],
        settings: LabelSettings,
        limits: PairLimits,
        reading: Reading,
        *,
        part: str = "train",
    ) -> Corpus:
        return read_labelled(sources, settings.reading(), _lowered(limits, settings), reading=reading, part=part)

    def codec(self, settings: LabelSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        return learn_label_codec(settings, train_part, valid_part)

    def rows(self, settings: LabelSettings, codec: Codec, data: Encoded) -> PairRows:
        rows = Labelled(data, codec.begin)
        settings.check_lengths(rows)
        return rows

    def model(self, settings: LabelSettings, codec: Codec) -> nn.Module:
        assert isinstance(codec, PairCodec)
        return build_labeller(settings, codec)

    def task(self, settings: LabelSettings, model: Any) -> Task:
        return build_label_task(settings, model)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return int((data.ids < codec.size - 1).sum())  # without the end of each

    def amount(self, codec: Codec, data: Encoded) -> str:
        return f"{data.texts:,} sequences ({self.targets(codec, data):,} labels)"

    def shape(self, settings: LabelSettings) -> str:
        core = "" if settings.encoder == "convolutional" else f" {settings.core}"
        return (
            f"{settings.layers}×{settings.hidden_size}{core}, encoder {settings.encoder}, "
            f"{settings.batch_size} sequences at once"
        )


def _lowered(limits: PairLimits, settings: PairSettings | LabelSettings) -> PairLimits:
    """Limits by which letters are made small where a model knows small ones only."""
    return replace(limits, lower=limits.lower or settings.lower)


LANGUAGE_MODELS, PAIR_MODELS, LABEL_MODELS = LanguageModels(), PairModels(), LabelModels()
