"""The family of models of labels: a label for each word, for the whole, or in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.codecs import Codec, PairCodec
from ostinato.data import Corpus, Encoded
from ostinato.data.pair_streams import SourceTargetRows
from ostinato.families.base import Face, Sources, check_single
from ostinato.families.inspect_options import GATES, GUESSES, STATE_VIEWS, VIEWS_TITLE
from ostinato.families.labels.reading import read_labelled
from ostinato.families.labels.rows import Labelled
from ostinato.families.labels.settings import (
    LabelSettings,
    build_label_task,
    build_labeller,
    check_kinds,
    check_labels,
    learn_label_codec,
)
from ostinato.families.machine import Machine
from ostinato.families.options import OptionGroup
from ostinato.families.recipe import Recipe
from ostinato.families.sources import SourceTargetFamily, limits_of
from ostinato.runs import SavedModel

if TYPE_CHECKING:
    from torch import nn

    from ostinato.families.report import Report
    from ostinato.models import Task


class LabelFamily(SourceTargetFamily):
    """Models of labels, given their sources."""

    name, article, unit = "labels", "a model of labels", "label"
    verbs = ("label", "inspect", "evaluate", "report")
    report_seconds = 4.0
    options: ClassVar[Mapping[str, tuple[OptionGroup, ...]]] = {
        **SourceTargetFamily.options,
        "inspect": (OptionGroup(VIEWS_TITLE, (GUESSES, *STATE_VIEWS, GATES)),),
    }

    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        settings = recipe.parse(given)
        limits = limits_of(sources, lower=settings.lower)
        return read_labelled(sources.names, settings.reading(), limits, reading=sources.reading, part=sources.part)

    def learn_codec(
        self, settings: LabelSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]
    ) -> Codec:
        return learn_label_codec(settings, train_part, valid_part)

    def check(self, codec: Codec, corpora: Sequence[Corpus]) -> None:
        assert isinstance(codec, PairCodec)
        check_kinds(codec, corpora)
        check_labels(codec, corpora)

    def rows(self, settings: LabelSettings, codec: Codec, data: Encoded) -> SourceTargetRows:
        rows = Labelled(data)
        settings.check_lengths(rows)
        return rows

    def network(self, settings: LabelSettings, codec: Codec) -> nn.Module:
        assert isinstance(codec, PairCodec)
        return build_labeller(settings, codec)

    def task(self, settings: LabelSettings, network: Any) -> Task:
        return build_label_task(settings, network)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids) - data.texts  # without the end of each

    def size(self, codec: Codec, data: Encoded) -> int:
        return int(Labelled(data).source_lengths.sum())

    def describe_data(self, codec: Codec, data: Encoded) -> str:
        return f"{data.texts:,} sequences ({self.targets(codec, data):,} labels)"

    def describe_network(self, settings: LabelSettings) -> str:
        core = "" if settings.encoder == "convolutional" else f" {settings.core}"
        return (
            f"{settings.layers}×{settings.hidden_size}{core}, encoder {settings.encoder}, "
            f"{settings.batch_size} sequences at once, dropout {settings.dropout:g}"
        )

    def next_commands(self, run: str) -> tuple[str, ...]:
        return f"ostinato label {run} TEXT", f"ostinato evaluate {run} FILE"

    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> Face:
        from ostinato.families.labels.annotator import Annotator

        check_single(saved, others)
        return Annotator(saved, machine)

    def figures(self, network: Any, codec: Codec, data: Encoded) -> dict[str, float]:
        from ostinato.families.labels.annotator import figures

        assert isinstance(codec, PairCodec)
        return figures(network, codec, data)

    def report(self, model: Any, doing: Callable[[str], None]) -> Report:
        from ostinato.families.labels.report import report_on

        return report_on(model, doing)

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        from ostinato.families.labels.annotator import glimpse

        assert isinstance(codec, PairCodec)
        return glimpse(network, codec, data)


LABELS = LabelFamily()
