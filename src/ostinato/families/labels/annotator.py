"""A trained model of labels: label sequences, evaluate."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from ostinato.batch import PairBatch
from ostinato.codecs import FrameCodec, LabelCodec, PairCodec, SpelledCodec, Unknown
from ostinato.codecs.labels import are_spans
from ostinato.codecs.spelled import shape, words_of
from ostinato.config import at_least
from ostinato.cores.encoders import Source
from ostinato.data import Corpus, Encoded
from ostinato.data.columns import Ids, Texts
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.base import Face, Progress, not_of
from ostinato.families.labels.ctc_head import PathHead
from ostinato.families.labels.heads import Best
from ostinato.families.labels.metrics import accuracy, confusions, label_error, scores_by_label, span_scores
from ostinato.families.labels.network import Labeller
from ostinato.families.labels.prefix_beam import prefix_beam
from ostinato.families.labels.results import LabelEvaluation, Labelling
from ostinato.families.labels.rows import Labelled
from ostinato.families.labels.settings import (
    LabelSettings,
    build_label_task,
    build_labeller,
    check_kinds,
    check_labelled,
    check_labels,
)
from ostinato.families.machine import Machine
from ostinato.families.restoring import described, put_weights
from ostinato.families.sources import encode_pairs
from ostinato.models.task import Context
from ostinato.runs import SavedModel, read_model

if TYPE_CHECKING:
    from ostinato.families.labels.inspecting import LabelInspection

_AT_ONCE = 64  # sequences
_SHOWN = 4  # sequences, during training
_MEASURED = 64  # sequences, at every evaluation
Sources: TypeAlias = Sequence[str] | Frames


class Annotator(Face):
    """A trained model of labels.

    Args:
        saved: The contents of a run folder or a model file.
        machine: The device to run on.

    Raises:
        ConfigError: It is no model of labels, or the device is not there.
        DamagedError: Weights and settings do not fit each other.
    """

    codec: PairCodec

    def __init__(self, saved: SavedModel, machine: Machine | None = None) -> None:
        recipe, settings, codec = described(saved)
        if not isinstance(settings, LabelSettings) or not isinstance(codec, PairCodec):
            raise not_of(saved, recipe, "a model of labels")
        assert isinstance(codec.target, LabelCodec)
        self.saved, self.recipe, self.settings, self.codec = saved, recipe, settings, codec
        self._labels = codec.target
        device = (machine or Machine()).with_torch()
        self.network: Labeller = build_labeller(settings, codec)
        put_weights(self.network, saved)
        self.network.to(device).eval()

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> Annotator:
        """Load a model of labels from a run folder or from a file that ``export`` wrote.

        Raises:
            ConfigError: It is no model of labels.
            RunError: There is none, it is damaged, or of another format version.
        """
        return cls(read_model(Path(path)), Machine(device))

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that it knows."""
        return self._labels.names

    @property
    def reads_frames(self) -> bool:
        """Whether it reads frames instead of texts."""
        return isinstance(self.codec.source, FrameCodec)

    def knows_word(self, word: str) -> bool:
        """Return whether a word is in the vocabulary of a tagger."""
        return isinstance(self.codec.source, SpelledCodec) and shape(word) in self.codec.source.words

    @property
    def between(self) -> str:
        """Separator of labels that are written as one text."""
        return self._labels.between

    @property
    def has_places(self) -> bool:
        """Whether each label has its place, so that there is always the right number of labels."""
        return not isinstance(self.network.head, PathHead)

    def label(
        self,
        sources: Sources,
        *,
        beam: int | None = None,
        unknown: Unknown = "error",
        tick: Callable[[int, int], None] | None = None,
    ) -> list[Labelling]:
        """Find the most probable labels of sequences, each by itself.

        Args:
            sources: Texts, or frames.
            beam: Number of prefixes kept, for labels without a place; ``None`` takes the best path.
            unknown: Treatment of symbols in texts that the model does not know.
            tick: Called with the number of sequences labelled so far, and in all.

        Raises:
            ConfigError: There is nothing to label, or a sequence is empty or of the wrong kind.
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        data = self.encode_sources(sources, unknown)
        return self.label_encoded(data, [""] * data.texts if isinstance(sources, Frames) else sources, beam, tick)

    def label_encoded(
        self,
        data: Encoded,
        texts: Sequence[str],
        beam: int | None = None,
        tick: Callable[[int, int], None] | None = None,
    ) -> list[Labelling]:
        """Find the most probable labels of encoded sequences, whose texts are these; others as for ``label``."""
        best = self._best_of(Labelled(data), beam, tick)
        return [self._labelling(text, one) for text, one in zip(texts, best, strict=True)]

    def evaluate_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> LabelEvaluation:
        """Measure the model on labelled sequences; with ``skip_bad_pairs`` only on those whose labels it knows."""
        beam, left_out = options.get("beam"), 0
        if options.get("skip_bad_pairs"):
            corpus, left_out = self.known_only(corpus)
        evaluation = self.evaluate(
            corpus,
            beam=beam,
            unknown=options.get("unknown", "error"),
            tick=lambda done, total: progress("labelling", done, total),
        )
        search = "best path" if beam is None else f"prefix beam {beam}"
        return replace(evaluation, search=search, left_out=left_out)

    def evaluate(
        self,
        corpus: Corpus,
        *,
        beam: int | None = None,
        unknown: Unknown = "error",
        tick: Callable[[int, int], None] | None = None,
    ) -> LabelEvaluation:
        """Measure the model on labelled sequences; see ``known_only`` for labels that it does not know.

        Raises:
            CorpusError: A label is not known.
        """
        check_kinds(self.codec, [corpus])
        corpus = check_labelled(corpus, {"lower": self.settings.lower})
        assert isinstance(corpus.texts, tuple)
        try:
            check_labels(self.codec, [corpus])
        except CorpusError as error:
            raise CorpusError(f"{error}. --skip-bad-pairs leaves such sequences out and counts them") from None
        return self.evaluate_encoded(encode_pairs(self.codec, corpus, unknown), beam=beam, tick=tick)[0]

    def evaluate_encoded(
        self, data: Encoded, *, beam: int | None = None, tick: Callable[[int, int], None] | None = None
    ) -> tuple[LabelEvaluation, list[list[str]]]:
        """Measure the model on encoded labelled sequences; return the labels that it finds too."""
        real = self.real_labels(data)
        best = self._best_of(Labelled(data), beam, tick)
        predicted = [[self.names[n] for n in one.labels] for one in best]
        nats, count = self._loss(data)
        placed, spanned = self.has_places, are_spans(self.names)
        evaluation = LabelEvaluation(
            sequences=len(real),
            labels=count,
            nats_per_label=nats,
            bound=self.network.head.bound,
            exact=sum(one == other for one, other in zip(predicted, real, strict=True)) / len(real),
            accuracy=accuracy(predicted, real) if placed else None,
            label_error=None if placed else label_error(predicted, real),
            spans=span_scores(predicted, real) if spanned else None,
            confusions=tuple(confusions(predicted, real)) if placed else (),
            by_label=scores_by_label(predicted, real, of_spans=spanned) if placed else {},
            **self._on_unknown_words(data, predicted, real),
        )
        return evaluation, predicted

    def real_labels(self, data: Encoded) -> list[list[str]]:
        """Return the labels that encoded sequences have."""
        ids, ends = data.ids.tolist(), data.offsets.tolist()
        return [[self.names[n] for n in ids[first : last - 1]] for first, last in itertools.pairwise(ends)]

    def sources_in(self, data: Encoded) -> list[list[str]]:
        """Return the sources of encoded sequences: words of a tagger, symbols of texts, the number of frames."""
        column, source = data.columns[SOURCE], self.codec.source
        if isinstance(column, Frames):
            return [[f"{length:,} frames"] for length in column.lengths.tolist()]
        assert isinstance(column, Ids)
        if isinstance(source, SpelledCodec):
            return [source.words_in(ids) for ids in column.lists()]
        return [[source.decode(ids).strip()] for ids in column.lists()]

    def _on_unknown_words(
        self, data: Encoded, predicted: Sequence[Sequence[str]], real: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        """Return the number of words that a tagger's vocabulary lacks, and the share of their labels that are right."""
        if not isinstance(self.codec.source, SpelledCodec):
            return {}
        right = list[bool]()
        for words, one, other in zip(self.sources_in(data), predicted, real, strict=True):
            marks = zip(words, one, other, strict=True)
            right += [label == actual for word, label, actual in marks if not self.knows_word(word)]
        return {"unknown_words": len(right), "unknown_accuracy": sum(right) / len(right) if right else None}

    def known_only(self, corpus: Corpus) -> tuple[Corpus, int]:
        """Return the sequences whose labels the model knows, and the number of those left out.

        Raises:
            CorpusError: All are left out.
        """
        assert isinstance(corpus.texts, tuple)
        chosen = [n for n, text in enumerate(corpus.texts) if not self._labels.unknown_in(text)]
        if not chosen:
            raise CorpusError("every sequence has a label that the model does not know: nothing is left to measure on")
        return corpus.select(chosen), len(corpus.texts) - len(chosen)

    def inspect(self, source: str | Frames, *, unknown: Unknown = "error") -> LabelInspection:
        """Look inside the model while it reads a text, or the frames of one sequence.

        Raises:
            ConfigError: There is nothing to label.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        from ostinato.families.labels.inspecting import LabelInspection

        return LabelInspection(self, source, unknown=unknown)

    def inspect_on(self, text: str | None, options: Mapping[str, Any]) -> LabelInspection:
        """Look inside the model while it reads a text; ``None``: the first sequence that was held out."""
        from ostinato.families.labels.inspecting import inspection_of

        return inspection_of(self, text, options)

    def encode_sources(self, sources: Sources, unknown: Unknown) -> Encoded:
        """Encode sequences, each with an arbitrary label.

        Raises:
            ConfigError: There is nothing to label.
            UnknownSymbolError: A text has symbols that the model does not know.
        """
        return encode_pairs(self.codec, self._corpus(sources), unknown)

    def _best_of(self, rows: Labelled, beam: int | None, tick: Callable[[int, int], None] | None) -> list[Best]:
        if beam is not None:
            at_least("beam", beam, 1)
            if self.has_places:
                raise ConfigError("a beam is for labels without a place (recipe ctc); here the best are found exactly")
        predictions: dict[int, Best] = {}
        for some in rows.by_length(np.arange(len(rows)), _AT_ONCE):
            predictions |= zip(some.tolist(), self._best(rows.batch(some), beam), strict=True)
            if tick is not None:
                tick(len(predictions), len(rows))
        return [predictions[row] for row in range(len(rows))]

    def _corpus(self, sources: Sources) -> Corpus:
        """Return the sources with an arbitrary label, so that they are encoded as labelled ones are."""
        if isinstance(sources, str):
            raise ConfigError(f"label takes a list of texts, such as [{sources[:20]!r}]")
        column = sources if isinstance(sources, Frames) else Texts(tuple(text.strip() for text in sources))
        if not column.count:
            raise ConfigError("there is nothing to label")
        if isinstance(column, Texts):
            if "" in column.texts:
                raise ConfigError(f"there is nothing to label: text {column.texts.index('') + 1:,} is empty")
            if self.settings.lower:
                column = Texts(tuple(text.lower() for text in column.texts))
        corpus = Corpus("items", (self.names[0],) * column.count, columns={SOURCE: column})
        check_kinds(self.codec, [corpus])
        return corpus

    def encode(self, batch: PairBatch) -> Source:
        """Encode the sources of a batch."""
        device = self.network.device
        sources, lengths = (torch.from_numpy(array).to(device) for array in (batch.sources, batch.source_lengths))
        return self.network.encode(sources, lengths)

    def _best(self, batch: PairBatch, beam: int | None) -> list[Best]:
        head = self.network.head
        with torch.inference_mode():
            source = self.encode(batch)
            if beam is None or not isinstance(head, PathHead):
                return head.best(source)
            log_probs = head.path_log_probs(source).double().cpu().numpy()
            places = source.real.sum(dim=1).tolist()
        return [
            Best(*prefix_beam(own[:count], blank=head.blank, beam=beam)[0])
            for own, count in zip(log_probs, places, strict=True)
        ]

    def _labelling(self, text: str, best: Best) -> Labelling:
        names = self.names
        alternatives = []
        for row in [] if best.each is None else best.each.double().cpu().numpy():
            order = np.argsort(-row, kind="stable")
            alternatives.append(tuple((names[n], float(row[n])) for n in order.tolist()))
        words = tuple(words_of(text)) if isinstance(self.codec.source, SpelledCodec) else ()
        weights = () if best.weights is None else tuple(best.weights.double().tolist())
        return Labelling(tuple(names[n] for n in best.labels), best.log_prob, words, tuple(alternatives), weights,
                         self.network.head.best_bound)  # fmt: skip

    def _loss(self, encoded: Encoded) -> tuple[float, int]:
        rows = Labelled(encoded)
        self.settings.check_lengths(rows)
        task, total = build_label_task(replace(self.settings, precision="float32"), self.network), 0.0
        with torch.inference_mode():
            for some in rows.by_length(np.arange(len(rows)), _AT_ONCE):
                total += task.loss(rows.batch(some), (), Context())[0].total.item()
        count = int(rows.target_lengths.sum())
        return total / count, count


def figures(network: Labeller, codec: PairCodec, data: Encoded) -> dict[str, float]:
    """Return the accuracy on the first sequences, or the label error where labels have no place."""
    assert isinstance(codec.target, LabelCodec)
    rows, batch, best = _first(network, data, _MEASURED)
    names = codec.target.names
    predicted = [[names[n] for n in one.labels] for one in best]
    real = [[names[n] for n in batch.targets[row, : rows.target_lengths[row]]] for row in range(len(rows))]
    if isinstance(network.head, PathHead):
        return {"label error": label_error(predicted, real)}
    return {"accuracy": accuracy(predicted, real)}


def _first(network: Labeller, data: Encoded, count: int) -> tuple[Labelled, PairBatch, list[Best]]:
    """Return the first sequences with the best labels of each."""
    rows = Labelled(data.part(0, min(count, data.texts)))
    batch, was_training = rows.batch(np.arange(len(rows))), network.training
    network.eval()
    with torch.inference_mode():
        sources, lengths = (torch.from_numpy(a).to(network.device) for a in (batch.sources, batch.source_lengths))
        best = network.head.best(network.encode(sources, lengths))
    network.train(was_training)
    return rows, batch, best


def glimpse(network: Labeller, codec: PairCodec, data: Encoded) -> str:
    """Return a line for each of the first sequences: its source, the network's labels, and the true ones."""
    assert isinstance(codec.target, LabelCodec)
    rows, batch, predictions = _first(network, data, _SHOWN)
    names, between, lines = codec.target.names, codec.target.between, []
    for row, best in enumerate(predictions):
        real = [names[n] for n in batch.targets[row, : rows.target_lengths[row]]]
        own = [names[n] for n in best.labels]
        source = batch.sources[row, : batch.source_lengths[row]]
        if isinstance(codec.source, SpelledCodec):
            lines.append(_describe_tags(codec.source.words_in(source.tolist()), own, real))
            continue
        is_text = not isinstance(rows.sources, Frames)
        what = codec.source.decode(source.tolist()).strip() if is_text else f"{len(source)} frames"
        lines.append(f"{what} → {between.join(own)} ({between.join(real)})")
    return "\n".join(lines)


def _describe_tags(words: Sequence[str], found: Sequence[str], real: Sequence[str]) -> str:
    told = (
        f"{word}/{own}" + (f"(≠{other})" if own != other else "")
        for word, own, other in zip(words, found, real, strict=True)
    )
    return " ".join(told)
