"""The family of language models: running text, or lists of items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.codecs import Codec
from ostinato.data import Corpus, Encoded, Reading, Stream, build_stream, read_corpus
from ostinato.data.pairs import PairLimits
from ostinato.families.base import Validates
from ostinato.families.text.settings import LanguageModelSettings, build_model, build_task, learn_codec

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models import Task
    from ostinato.training.ranks import Ranks


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


TEXT = LanguageModels()
