"""The family of models of labels: a label for each word, for the whole, or in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ostinato.codecs import Codec, PairCodec
from ostinato.data import Corpus, Encoded, Reading
from ostinato.data.label_streams import Labelled
from ostinato.data.labelled import read_labelled
from ostinato.data.pair_streams import PairRows
from ostinato.data.pairs import PairLimits
from ostinato.families.labels.settings import LabelSettings, build_label_task, build_labeller, learn_label_codec
from ostinato.families.sources import SourceTargetFamily, lowered

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models import Task


class LabelModels(SourceTargetFamily):
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
        return read_labelled(
            sources, settings.reading(), lowered(limits, lower=settings.lower), reading=reading, part=part
        )

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


LABELS = LabelModels()
