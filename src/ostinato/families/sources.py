"""Families whose targets belong to sources: their batches, how they are measured, and how they are read."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.codecs import Codec
from ostinato.data import Encoded, Stream
from ostinato.data.pair_streams import PairStream, SourceTargetRows
from ostinato.data.pairs import PairLimits
from ostinato.families.base import Family, Measure, Sources, check_width
from ostinato.families.options import BEAM, PAIRS, OptionGroup

if TYPE_CHECKING:
    from ostinato.training.ranks import Ranks
    from ostinato.training.snapshot import Arrays


class SourceTargetFamily(Family, abc.ABC):
    """A family of models of targets that belong to a source."""

    options: ClassVar = {"train": (PAIRS,), "evaluate": (OptionGroup("search", (BEAM,)), PAIRS)}

    def remembered(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"lower": True} if options.get("lower") else {}

    @abc.abstractmethod
    def rows(self, settings: Any, codec: Codec, data: Encoded) -> SourceTargetRows:
        """Return sources with their targets."""

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        return PairStream(self.rows(settings, codec, data), batch_size=settings.batch_size, seed=seed)

    def compiled_core(self, settings: Any) -> tuple[str, int] | None:
        return settings.core, settings.hidden_size

    def check_weights(self, settings: Any, weights: Arrays) -> None:
        check_width(settings.hidden_size, weights)

    def measure(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Measure:
        from ostinato.training.validation import PairValidation

        return PairValidation(self.rows(settings, codec, data), limit=settings.valid_symbols, seed=seed, ranks=ranks)


def limits_of(sources: Sources, *, lower: bool) -> PairLimits:
    """Return what pairs may be.

    Args:
        sources: Their options of reading say so.
        lower: Whether the model knows small letters only.
    """
    options = sources.options
    return PairLimits(
        options.get("longest"),
        lower or options.get("lower", False),
        options.get("pairs"),
        options.get("skip_bad_pairs", False),
    )
