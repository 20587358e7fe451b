"""The family of language models: running text, or lists of items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato import codecs
from ostinato.codecs import Codec
from ostinato.data import Corpus, Encoded, Stream, build_stream, read_corpus
from ostinato.errors import ConfigError
from ostinato.families.base import Face, Family, Measure, Sources, check_width
from ostinato.families.machine import Machine
from ostinato.families.recipe import Recipe
from ostinato.families.text.options import OPTIONS
from ostinato.families.text.settings import LanguageModelSettings, build_model, build_task, learn_codec
from ostinato.inspect.labels import LABELLERS, Labeller
from ostinato.runs import RunFolder, SavedModel

if TYPE_CHECKING:
    from torch import nn

    from ostinato.families.report import Report
    from ostinato.models import Task
    from ostinato.training.ranks import Ranks
    from ostinato.training.snapshot import Arrays

_ITEMS_SECONDS = 3.0  # after the last evaluation, when sampled items are checked for being new


class TextFamily(Family):
    """Language models of running text, or of items."""

    name, article, unit = "text", "a language model", "symbol"
    verbs: ClassVar[tuple[str, ...]] = (
        "generate",
        "novelty",
        "score",
        "inspect",
        "rerank",
        "infill",
        "evaluate",
        "report",
    )
    options = OPTIONS
    reads_series = True

    def label_names(self) -> Sequence[str]:
        return tuple(self.labellers())

    def labellers(self) -> Mapping[str, Labeller]:
        """Return the labels of characters that have a name, for looking inside."""
        return LABELLERS

    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        return read_corpus(
            sources.names,
            reading=sources.reading,
            kind=sources.options.get("kind"),
            pattern=sources.options.get("glob"),
            to_learn=sources.to_learn,
            tick=sources.tick,
            fetching=sources.fetching,
        )

    def learn_codec(
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

    def network(self, settings: LanguageModelSettings, codec: Codec) -> nn.Module:
        return build_model(settings, codec.size)

    def compiled_core(self, settings: Any) -> tuple[str, int] | None:
        return settings.core, settings.hidden_size

    def check_weights(self, settings: Any, weights: Arrays) -> None:
        check_width(settings.hidden_size, weights)

    def task(self, settings: LanguageModelSettings, network: Any) -> Task:
        return build_task(settings, network)

    def measure(self, settings: LanguageModelSettings, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Measure:
        from ostinato.training.validation import Validation

        items, limit = codec.end is not None, settings.valid_symbols
        return Validation(data, codec.begin, items=items, limit=limit, seed=seed, ranks=ranks)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def size(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def describe_data(self, codec: Codec, data: Encoded) -> str:
        return f"{len(data.ids):,} symbols"

    def describe_network(self, settings: LanguageModelSettings) -> str:
        return (
            f"{settings.layers}×{settings.hidden_size} {settings.core}, "
            f"{settings.batch_size} rows × {settings.window} steps, dropout {settings.dropout:g}"
        )

    def next_commands(self, run: str) -> tuple[str, ...]:
        return f"ostinato generate {run} --temperature 0.8", f"ostinato generate {run} --prompt TEXT --length 1000"

    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> Face:
        from ostinato.families.text.model import TextModel

        return TextModel(saved, others, machine)

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        from ostinato.families.text.generation import glimpse

        return glimpse(network, codec, seed)

    def closing_seconds(
        self, codec: Codec, train: Encoded, valid: Encoded, *, seconds_per_symbol: float, minutes: float, report: bool
    ) -> float:
        seconds = 0.0 if codec.end is None else _ITEMS_SECONDS
        if not report:
            return seconds
        from ostinato.families.text.report.facts import expected_seconds

        # Of a short budget a quarter at most: what a report costs is only roughly known.
        return seconds + min(expected_seconds(codec, train, valid, seconds_per_symbol), 15 * minutes)

    def report(self, model: Any, doing: Callable[[str], None]) -> Report:
        from ostinato.families.text.report.facts import report_on

        return report_on(model, doing)

    def finish(self, run: RunFolder, train: Encoded) -> None:
        if codecs.from_json(run.codec()).end is None:
            return
        from ostinato.families.text.model import TextModel
        from ostinato.families.text.new_items import count_new_items

        run.write_novelty(count_new_items(TextModel.open(run.path), train))

    def check_teachers(self, recipe: Recipe, teachers: Sequence[SavedModel], base: SavedModel | None) -> None:
        from ostinato.families import find_recipe
        from ostinato.families.text.members import check_same_symbols

        for teacher in teachers:
            if not isinstance(find_recipe(teacher.config["recipe"]).family, TextFamily):
                raise ConfigError(f"{teacher.path} is no language model, which teachers are; leave it out")
        check_same_symbols([*teachers, *([] if base is None else [base])])

    def taught(self, task: Task, teachers: Sequence[SavedModel], codec: Codec, device: str) -> Task:
        if not teachers:
            return task
        from ostinato.families.text.distillation import Distillation
        from ostinato.families.text.members import Member
        from ostinato.families.text.network import LanguageModelTask
        from ostinato.models import Ensemble

        assert isinstance(task, LanguageModelTask)
        return Distillation(task, Ensemble([Member.of(one, codec.size).network(device) for one in teachers]))


TEXT = TextFamily()
