"""The family of models of pairs: one text into another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.codecs import Codec, PairCodec
from ostinato.data import Corpus, Encoded, Reading
from ostinato.data.pair_streams import PairRows, Pairs
from ostinato.data.pairs import PairLimits, read_pairs
from ostinato.families.pairs.settings import PairSettings, build_pair_model, build_pair_task, learn_pair_codec
from ostinato.families.sources import SourceTargetFamily, lowered

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models import Task


class PairModels(SourceTargetFamily):
    """Models of targets, given their sources."""

    commands, unit = "translate, evaluate", "symbol"

    def read(
        self, sources: Sequence[str], settings: Any, limits: PairLimits, reading: Reading, *, part: str = "train"
    ) -> Corpus:
        return read_pairs(sources, lowered(limits, lower=settings.lower), reading=reading)

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


PAIRS = PairModels()
