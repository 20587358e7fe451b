"""The family of models of pairs: one text into another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.codecs import Codec, PairCodec
from ostinato.data import Corpus, Encoded
from ostinato.data.pair_streams import Pairs, SourceTargetRows
from ostinato.data.pairs import read_pairs, source_texts
from ostinato.families.base import Face, Sources, check_single
from ostinato.families.inspect_options import GATES, GUESSES, STATE_VIEWS, VIEWS_TITLE
from ostinato.families.machine import Machine
from ostinato.families.options import Option, OptionGroup
from ostinato.families.pairs.settings import PairSettings, build_pair_model, build_pair_task, learn_pair_codec
from ostinato.families.recipe import Recipe
from ostinato.families.sources import SourceTargetFamily, limits_of
from ostinato.runs import SavedModel

if TYPE_CHECKING:
    from torch import nn

    from ostinato.families.report import Report
    from ostinato.models import Task


VIEWS = OptionGroup(
    VIEWS_TITLE,
    (
        Option("--attention", "of pairs: to what of the source each target symbol attends", "flag"),
        GUESSES,
        *STATE_VIEWS,
        GATES,
        Option("--target", "of pairs: the target that is looked at (default: the one that the model finds)"),
    ),
)


class PairFamily(SourceTargetFamily):
    """Models of targets, given their sources."""

    name, article, unit = "pairs", "a model of pairs", "symbol"
    verbs = ("translate", "inspect", "evaluate", "report")
    report_seconds = 6.0
    options: ClassVar[Mapping[str, tuple[OptionGroup, ...]]] = {**SourceTargetFamily.options, "inspect": (VIEWS,)}

    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        limits = limits_of(sources, lower=recipe.parse(given).lower)
        return read_pairs(sources.names, limits, reading=sources.reading)

    def learn_codec(
        self, settings: PairSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]
    ) -> Codec:
        # An alphabet says nothing about the texts, so that of the validation part may be known as well.
        parts = (train_part, valid_part) if settings.codec == "characters" else (train_part,)
        sources = [text for part in parts for text in source_texts(part) or ()]
        return learn_pair_codec(settings, sources, [text for part in parts for text in part.texts])

    def rows(self, settings: PairSettings, codec: Codec, data: Encoded) -> SourceTargetRows:
        return Pairs(data, codec.begin)

    def network(self, settings: PairSettings, codec: Codec) -> nn.Module:
        assert isinstance(codec, PairCodec)
        return build_pair_model(settings, codec)

    def task(self, settings: PairSettings, network: Any) -> Task:
        return build_pair_task(settings, network)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def size(self, codec: Codec, data: Encoded) -> int:
        return self.targets(codec, data)

    def describe_data(self, codec: Codec, data: Encoded) -> str:
        return f"{data.texts:,} pairs ({self.targets(codec, data):,} target symbols)"

    def describe_network(self, settings: PairSettings) -> str:
        core = "" if settings.encoder == "convolutional" else f" {settings.core}"
        return (
            f"{settings.layers}×{settings.hidden_size}{core}, encoder {settings.encoder}, decoder {settings.decoder}, "
            f"{settings.batch_size} pairs at once, dropout {settings.dropout:g}"
        )

    def next_commands(self, run: str) -> tuple[str, ...]:
        return f"ostinato translate {run} TEXT --beam 4", f"ostinato evaluate {run} FILE"

    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> Face:
        from ostinato.families.pairs.translator import Translator

        check_single(saved, others)
        return Translator(saved, machine)

    def figures(self, network: Any, codec: Codec, data: Encoded) -> dict[str, float]:
        from ostinato.families.pairs.translator import figures

        assert isinstance(codec, PairCodec)
        return figures(network, codec, data)

    def report(self, model: Any, doing: Callable[[str], None]) -> Report:
        from ostinato.families.pairs.report import report_on

        return report_on(model, doing)

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        from ostinato.families.pairs.translator import glimpse

        assert isinstance(codec, PairCodec)
        return glimpse(network, codec, data)


PAIRS = PairFamily()
