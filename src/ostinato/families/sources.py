"""Families whose targets belong to sources: their batches, how they are measured, and how they are read."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ostinato.codecs import Codec, PairCodec, Unknown
from ostinato.data import Corpus, Encoded, Stream, encode_texts
from ostinato.data.columns import Ids, Sequences, offsets_of
from ostinato.data.encoded import smallest_type
from ostinato.data.pair_streams import PairStream, SourceTargetRows
from ostinato.data.pairs import SOURCE, PairLimits, source_texts
from ostinato.families.base import Family, Measure, Sources, check_width
from ostinato.families.options import BEAM, PAIRS, OptionGroup

if TYPE_CHECKING:
    from ostinato.training.ranks import Ranks
    from ostinato.training.snapshot import Arrays


class SourceTargetFamily(Family, abc.ABC):
    """A family of models of targets that belong to a source."""

    options: ClassVar[Mapping[str, tuple[OptionGroup, ...]]] = {
        "train": (PAIRS,),
        "evaluate": (OptionGroup("search", (BEAM,)), PAIRS),
    }

    def remembered(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"lower": True} if options.get("lower") else {}

    def encode(self, codec: Codec, corpus: Corpus, unknown: Unknown) -> Encoded:
        return encode_pairs(codec, corpus, unknown)

    def check_columns(self, codec: Codec, data: Encoded) -> None:
        assert isinstance(codec, PairCodec)
        column = data.columns.get(SOURCE)
        if not isinstance(column, Sequences):
            raise ValueError("there are no sources")
        if (
            isinstance(column, Ids)
            and column.places
            and not 0 <= column.values.min() <= column.values.max() < codec.source.size
        ):
            raise ValueError(f"there are ids of sources that are none of the codec's {codec.source.size:,}")

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


def encode_pairs(codec: Codec, corpus: Corpus, unknown: Unknown) -> Encoded:
    """Encode the targets of a corpus, and its sources where they are texts; frames stay as they are.

    Raises:
        UnknownSymbolError: A symbol is not known, and ``unknown`` is ``"error"``.
    """
    assert isinstance(codec, PairCodec)
    targets = encode_texts(codec, [codec.adapt(text, unknown) for text in corpus.texts])
    sources = source_texts(corpus)
    if sources is None:
        return replace(targets, columns=corpus.columns)
    ids = [codec.encode_source(codec.source.adapt(text, unknown)) for text in sources]
    joined = np.concatenate([np.zeros(0, dtype=np.int32), *ids]).astype(smallest_type(codec.source.size))
    return replace(targets, columns={SOURCE: Ids(joined, offsets_of(map(len, ids)))})


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
