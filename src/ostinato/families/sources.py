"""Families whose targets belong to sources: their batches, how they are measured, and how they are read."""

from __future__ import annotations

import abc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ostinato.codecs import Codec
from ostinato.data import Encoded, Stream
from ostinato.data.pair_streams import PairRows, PairStream
from ostinato.data.pairs import PairLimits
from ostinato.families.base import Validates

if TYPE_CHECKING:
    from ostinato.training.ranks import Ranks


class SourceTargetFamily(abc.ABC):
    """A family of models of targets that belong to a source."""

    @abc.abstractmethod
    def rows(self, settings: Any, codec: Codec, data: Encoded) -> PairRows:
        """Return sources with their targets."""

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        return PairStream(self.rows(settings, codec, data), batch_size=settings.batch_size, seed=seed)

    def validation(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Validates:
        from ostinato.training.validation import PairValidation

        return PairValidation(self.rows(settings, codec, data), limit=settings.valid_symbols, seed=seed, ranks=ranks)


def lowered(limits: PairLimits, *, lower: bool) -> PairLimits:
    """Limits by which letters are made small where a model knows small ones only."""
    return replace(limits, lower=limits.lower or lower)
