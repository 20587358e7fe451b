"""A trained model of pairs: translate, show the attention, evaluate."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.codecs import PairCodec, Unknown, WordCodec
from ostinato.codecs.words import UNKNOWN_WORD
from ostinato.cores.attention import Attending
from ostinato.cores.conv_decoder import Convolving
from ostinato.data import Corpus, Encoded
from ostinato.data.pair_streams import Pairs
from ostinato.data.pairs import corpus_of_pairs, source_texts
from ostinato.decode.paths import Hypothesis
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.reference import ReferenceWriter
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError
from ostinato.families.base import Face, Progress, not_of
from ostinato.families.machine import Machine
from ostinato.families.pairs.metrics import text_metrics
from ostinato.families.pairs.network import Seq2Seq
from ostinato.families.pairs.results import PairEvaluation, Translation
from ostinato.families.pairs.settings import PairSettings, build_pair_model, build_pair_task
from ostinato.families.pairs.stepping import Seq2SeqStepper, padded
from ostinato.families.restoring import described, put_weights
from ostinato.families.sources import encode_pairs
from ostinato.models.task import Context
from ostinato.runs import SavedModel, read_model

if TYPE_CHECKING:
    from ostinato.families.pairs.inspecting import PairInspection

_AT_ONCE = 64  # sources
_GNMT = 0.6  # of the length normalisation, in evaluation
_SHOWN = 4  # pairs, during training
_MEASURED = 32  # pairs, at every evaluation
_STEP = 16  # symbols that a source's length is rounded up to
_TIMES, _MORE = 3, 20  # a target has at most so many times that, and so many more symbols


class Translator(Face):
    """A trained model of pairs.

    Args:
        saved: The contents of a run folder or a model file.
        machine: The device to run on.

    Raises:
        ConfigError: It is no model of pairs, or the device is not there.
        DamagedError: Weights and settings do not fit each other.
    """

    codec: PairCodec

    def __init__(self, saved: SavedModel, machine: Machine | None = None) -> None:
        recipe, settings, codec = described(saved)
        if not isinstance(settings, PairSettings) or not isinstance(codec, PairCodec):
            raise not_of(saved, recipe, "a model of pairs")
        self.saved, self.recipe, self.settings, self.codec = saved, recipe, settings, codec
        device = (machine or Machine()).with_torch()
        self.network: Seq2Seq = build_pair_model(settings, codec)
        put_weights(self.network, saved)
        self.network.to(device).eval()

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> Translator:
        """Load a model of pairs from a run folder or from a file that ``export`` wrote.

        Raises:
            ConfigError: It is no model of pairs.
            RunError: There is none, it is damaged, or of another format version.
        """
        return cls(read_model(Path(path)), Machine(device))

    @property
    def has_attention(self) -> bool:
        """Whether the decoder attends to places of the source."""
        return self.settings.decoder not in ("summary", "last-state")

    def translate(
        self,
        sources: Sequence[str],
        search: SearchSettings | None = None,
        *,
        unknown: Unknown = "error",
        replace_unknown: bool = False,
        attention: bool = True,
        tick: Callable[[int, int], None] | None = None,
    ) -> list[list[Translation]]:
        """Translate sources, each by itself.

        Args:
            sources: Texts to translate.
            search: A beam (``beam``, ``n_best``, ``length_power`` or ``gnmt``) or ``greedy``; ``None``: greedy.
            unknown: Treatment of source symbols that the model does not know.
            replace_unknown: Whether to replace each unknown word by the source word attended to most.
            attention: Whether to return the attention weights, which costs a step for every symbol.
            tick: Called with the number of sources translated so far, and in all.

        Returns:
            For each source the best targets, best first.

        Raises:
            ConfigError: A source is empty, or longer than the model reads.
            UnknownSymbolError: A source has symbols that the model does not know.
        """
        if isinstance(sources, str):
            raise ConfigError(f"translate takes a list of sources, such as [{sources[:20]!r}]")
        search = search or SearchSettings(greedy=True)
        if search.is_random or search.best_of or search.exact:
            raise ConfigError("a translation is the most probable text: greedy, or a beam that draws nothing")
        if replace_unknown and not self.has_attention:
            raise ConfigError(f"decoder = {self.settings.decoder!r} has no attention to replace unknown words by")
        own = [source.strip().lower() if self.settings.lower else source.strip() for source in sources]
        texts = [self.codec.source.adapt(source, unknown) for source in own]
        ids = [self._source_ids(text) for text in texts]
        hypotheses = best_targets(self.network, self.codec, ids, search, tick)
        told = [
            [self._translation(text, own, one, attention=attention or replace_unknown) for one in best]
            for text, own, best in zip(texts, ids, hypotheses, strict=True)
        ]
        return [[with_source_words(one) for one in best] for best in told] if replace_unknown else told

    def unknown_words(self, sources: Sequence[str]) -> list[str]:
        """Return the words of sources that the model does not know and reads as one unknown word, each once."""
        source = self.codec.source
        if not isinstance(source, WordCodec) or source.unknown is None:
            return []
        words = dict[str, None]()
        for text in sources:
            ids = self.codec.encode_source(text).tolist()
            symbols = self.codec.source_symbols(text, ids)
            words |= {word.strip(): None for word, id_ in zip(symbols, ids, strict=True) if id_ == source.unknown}
        return list(words)

    def inspect(self, source: str, target: str | None = None, *, unknown: Unknown = "error") -> PairInspection:
        """Look inside the model while it writes a target of a source; ``None``: the one that it finds.

        Raises:
            ConfigError: The source is empty.
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        from ostinato.families.pairs.inspecting import PairInspection

        return PairInspection(self, source, target, unknown=unknown)

    def inspect_on(self, text: str | None, options: Mapping[str, Any]) -> PairInspection:
        """Look inside the model while it writes a target of a source; ``None``: of the first that was held out."""
        from ostinato.families.pairs.inspecting import inspection_of

        return inspection_of(self, text, options)

    def attention(self, source: Sequence[int], target: Sequence[int]) -> NDArray[np.float64] | None:
        """Return the attention weights of a source for each symbol of a target, [T, S]; ``None`` if there are none."""
        if not self.has_attention:
            return None
        model, rows = self.network, []
        with torch.inference_mode():
            state = model.begin(model.encode(*padded([source], model.device)))
            for symbol in [model.symbols, *target[:-1]]:
                _, state = model.step(torch.tensor([symbol], device=model.device), state)
                assert isinstance(state, Attending | Convolving)
                rows.append(state.weights[0].double().cpu().numpy())
        return np.stack(rows)

    def evaluate_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> PairEvaluation:
        """Measure the model on the pairs of a corpus; a ``beam`` uses GNMT's length normalisation."""
        beam = options.get("beam")
        search = SearchSettings(greedy=True) if beam is None else SearchSettings(beam=beam, gnmt=_GNMT)
        evaluation = self.evaluate(
            list(zip(source_texts(corpus) or (), corpus.texts, strict=True)),
            search,
            unknown=options.get("unknown", "error"),
            tick=lambda done, total: progress("translating", done, total),
        )
        told = "greedy" if beam is None else f"beam {beam}, GNMT's length normalisation {_GNMT}"
        return replace(evaluation, search=told)

    def evaluate(
        self,
        pairs: Sequence[tuple[str, str]],
        search: SearchSettings | None = None,
        *,
        unknown: Unknown = "error",
        tick: Callable[[int, int], None] | None = None,
    ) -> PairEvaluation:
        """Measure the model on pairs of source and target; the other arguments are those of ``translate``."""
        if not pairs:
            raise ConfigError("there is no pair to evaluate on")
        rows = Pairs(encode_pairs(self.codec, corpus_of_pairs(pairs), unknown), self.codec.begin)
        task, total = build_pair_task(replace(self.settings, precision="float32"), self.network), 0.0
        with torch.inference_mode():
            for some in rows.by_length(np.arange(len(rows)), _AT_ONCE):
                total += task.loss(rows.batch(some), (), Context())[0].total.item()
        # The references are as they were given, whatever the model can write of them.
        sources, targets = zip(*pairs, strict=True)
        best = self.translate(sources, search, unknown=unknown, attention=False, tick=tick)
        symbols = int(rows.target_lengths.sum())
        metrics = text_metrics([one[0].text for one in best], list(targets))
        return PairEvaluation(len(pairs), symbols, sum(map(len, targets)), total / symbols, metrics,
                              bound=self.network.head.bound)  # fmt: skip

    def _source_ids(self, text: str) -> list[int]:
        if not text:
            raise ConfigError("there is nothing to translate: a source is empty")
        ids: list[int] = self.codec.encode_source(text).tolist()
        return ids

    def _translation(self, source: str, ids: Sequence[int], found: Hypothesis, *, attention: bool) -> Translation:
        symbols = tuple(self.codec.pieces[id_].decode(errors="replace") for id_ in found.symbols)
        own = self.codec.source_symbols(source, ids)
        weights = self.attention(ids, found.symbols) if attention and found.symbols else None
        return Translation(
            source, self.codec.decode(found.symbols), found.score, found.rank, found.ending == "end", own, symbols,
            weights,
        )  # fmt: skip


def best_targets(
    network: Seq2Seq,
    codec: PairCodec,
    sources: Sequence[Sequence[int]],
    search: SearchSettings,
    tick: Callable[[int, int], None] | None = None,
) -> list[list[Hypothesis]]:
    """Return the hypotheses for each source, best first; sources are ids of the source codec.

    The length limit of a target follows from its source alone, so results do not depend on the other sources.
    """
    limits = [_TIMES * -(-len(source) // _STEP) * _STEP + _MORE for source in sources]
    order = sorted(range(len(sources)), key=lambda number: (limits[number], len(sources[number])))
    hypotheses: dict[int, list[Hypothesis]] = {}
    for limit, group in itertools.groupby(order, key=lambda number: limits[number]):
        numbers = list(group)
        for first in range(0, len(numbers), _AT_ONCE):
            some = numbers[first : first + _AT_ONCE]
            strategy = search.strategy([0] * len(some), RuleSettings())
            stepper = Seq2SeqStepper(network)
            writer = ReferenceWriter(stepper, [sources[n] for n in some], strategy, [], length=limit, end=codec.end)
            while writer.go_on() is not None:
                pass
            hypotheses |= {number: writer.ended(row)[: search.n_best or 1] for row, number in enumerate(some)}
            if tick is not None:
                tick(len(hypotheses), len(sources))
    return [hypotheses[number] for number in range(len(sources))]


def figures(network: Seq2Seq, codec: PairCodec, data: Encoded) -> dict[str, float]:
    """Return the share of the first pairs whose target is written exactly, greedily."""
    first = _first(network, codec, data, _MEASURED)
    return {"exact": sum(written == target for _, written, target in first) / max(1, len(first))}


def glimpse(network: Seq2Seq, codec: PairCodec, data: Encoded) -> str:
    """Return a line for each of the first pairs: its source, the network's target, and the true one."""
    first = _first(network, codec, data, _SHOWN)
    return "\n".join(f"{source} → {written} ({target})" for source, written, target in first)


def _first(network: Seq2Seq, codec: PairCodec, data: Encoded, count: int) -> list[tuple[str, str, str]]:
    """Return the first sources, what the network writes for each, greedily, and the true targets."""
    rows = Pairs(data.part(0, min(count, data.texts)), codec.begin)
    batch, was_training = rows.batch(np.arange(len(rows))), network.training
    sources = [ids[:length].tolist() for ids, length in zip(batch.sources, rows.source_lengths, strict=True)]
    targets = [ids[:length].tolist() for ids, length in zip(batch.targets, rows.target_lengths, strict=True)]
    network.eval()
    hypotheses = best_targets(network, codec, sources, SearchSettings(greedy=True))
    network.train(was_training)
    return [
        (codec.source.decode(source).strip(), codec.decode(best[0].symbols), codec.decode(target))
        for source, best, target in zip(sources, hypotheses, targets, strict=True)
    ]


def with_source_words(found: Translation) -> Translation:
    """Return a translation with each unknown word replaced by the source word attended to most."""
    assert found.attention is not None or not found.symbols
    if found.attention is None:
        return found
    symbols = [
        f" {found.source_symbols[int(row.argmax())].strip()}" if symbol.strip() == UNKNOWN_WORD else symbol
        for symbol, row in zip(found.symbols, found.attention, strict=True)
    ]
    return replace(found, symbols=tuple(symbols), text="".join(symbols).strip())
