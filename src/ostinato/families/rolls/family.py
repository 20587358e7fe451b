"""The family of models of piano rolls: polyphonic music, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ostinato.codecs import Codec, TokenCodec
from ostinato.data import Corpus, Encoded, Stream
from ostinato.errors import ConfigError
from ostinato.families.base import Face, Family, Measure, Sources, check_single, check_width
from ostinato.families.machine import Machine
from ostinato.families.options import OptionGroup, check_known
from ostinato.families.recipe import Recipe
from ostinato.families.rolls.batches import Rolls, RollStream
from ostinato.families.rolls.options import COMPOSING, EVALUATING, READING, SCORING, VIEWS
from ostinato.families.rolls.reading import PARTS, read_rolls
from ostinato.families.rolls.settings import RollSettings, build_network, build_task, notes_of, roll_codec
from ostinato.runs import SavedModel

if TYPE_CHECKING:
    from torch import nn

    from ostinato.families.report import Report
    from ostinato.families.rolls.results import WrittenRoll
    from ostinato.models import Task
    from ostinato.training.ranks import Ranks
    from ostinato.training.snapshot import Arrays

_MOST_FRAMES = 4096  # that a request may have written


class RollFamily(Family):
    """Models of piano rolls."""

    name, article, unit = "rolls", "a model of piano rolls", "frame"
    verbs = ("compose", "score", "inspect", "evaluate", "report")
    report_seconds = 4.0
    takes_files = True
    options: ClassVar[Mapping[str, tuple[OptionGroup, ...]]] = {
        "train": (READING,),
        "evaluate": (EVALUATING,),
        "score": (SCORING,),
        "inspect": (VIEWS,),
        "compose": (COMPOSING,),
    }

    def compose(self, model: Any, options: Mapping[str, Any]) -> Sequence[WrittenRoll]:
        from ostinato.families.rolls.results import WrittenRoll

        frames = {"frames": 64, "max_copy": 0}
        own = {name: value for name, value in options.items() if name not in ("tunes", "seed", "temperature")}
        check_known(own, frames)
        if not 1 <= own.get("frames", 1) <= _MOST_FRAMES:
            raise ConfigError(f"frames are from 1 to {_MOST_FRAMES:,}, got {own['frames']:,}")
        written = model.write(
            own.get("frames", frames["frames"]), rolls=options["tunes"], seed=options["seed"],
            temperature=options["temperature"], max_copy=own.get("max_copy") or None,
        )  # fmt: skip
        first = model.settings.lowest
        return [WrittenRoll(options["seed"] + number, first, one) for number, one in enumerate(written)]

    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        settings = recipe.parse({**given, **self.remembered(sources.options)})
        part = sources.options.get("split") or sources.part
        if part not in PARTS:
            raise ConfigError(f"--split must be one of {', '.join(PARTS)}, got {part!r}")
        return read_rolls(sources.names, settings.reading(), part=part, tick=sources.tick, fetching=sources.fetching)

    def remembered(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"grid": options["grid"]} if options.get("grid") else {}

    def learn_codec(
        self, settings: RollSettings, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]
    ) -> Codec:
        return roll_codec(settings)

    def stream(self, settings: RollSettings, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        return RollStream(
            _rolls(codec, data), batch_size=settings.batch_size, window=settings.window, transpose=settings.transpose,
            seed=seed,
        )  # fmt: skip

    def network(self, settings: RollSettings, codec: Codec) -> nn.Module:
        assert isinstance(codec, TokenCodec)
        return build_network(settings, notes_of(codec))

    def compiled_core(self, settings: RollSettings) -> tuple[str, int] | None:
        return settings.core, settings.hidden_size

    def check_weights(self, settings: RollSettings, weights: Arrays) -> None:
        check_width(settings.hidden_size, weights)

    def task(self, settings: RollSettings, network: Any) -> Task:
        return build_task(settings, network)

    def measure(self, settings: RollSettings, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Measure:
        from ostinato.training.validation import BatchValidation, drawn

        rolls = _rolls(codec, data)
        return BatchValidation(rolls.batches(drawn(rolls.numbers.lengths, settings.valid_symbols, seed)), ranks)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return int(np.count_nonzero(data.ids == 0))

    def size(self, codec: Codec, data: Encoded) -> int:
        return self.targets(codec, data)

    def describe_data(self, codec: Codec, data: Encoded) -> str:
        return f"{data.texts:,} pieces ({self.targets(codec, data):,} frames)"

    def describe_network(self, settings: RollSettings) -> str:
        return (
            f"{settings.layers}×{settings.hidden_size} {settings.core}, {settings.batch_size} pieces × "
            f"{settings.window} frames, dropout {settings.dropout:g}"
        )

    def next_commands(self, run: str) -> tuple[str, ...]:
        return f"ostinato compose {run} --seconds 30 --out new.mid", f"ostinato evaluate {run} FILE"

    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> Face:
        from ostinato.families.rolls.model import RollModel

        check_single(saved, others)
        return RollModel(saved, machine)

    def figures(self, network: Any, codec: Codec, data: Encoded) -> dict[str, float]:
        from ostinato.families.rolls.measuring import quick_accuracy

        return {"accuracy": quick_accuracy(network, _rolls(codec, data.part(0, min(data.texts, 8))))}

    def report(self, model: Any, doing: Callable[[str], None]) -> Report:
        from ostinato.families.rolls.report import report_on

        return report_on(model, doing)

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        from ostinato.families.rolls.writing import glimpse

        return glimpse(network, seed)


def _rolls(codec: Codec, data: Encoded) -> Rolls:
    assert isinstance(codec, TokenCodec)
    return Rolls.of(data, notes_of(codec))


ROLLS = RollFamily()
