"""Results of models of labels: the labels of a sequence, and the evaluation of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostinato.families.labels.metrics import SpanScores
from ostinato.units import Bound, bits, describe_bound

_OTHERS, _LEAST = 3, 0.001  # labels told beside the best, and how probable they have to be
_CONFUSIONS = 10
_LABELS = 30  # shown with their scores


@dataclass(frozen=True)
class Labelling:
    """The labels that were found for a sequence.

    Attributes:
        labels: The labels, in their order.
        log_prob: Natural log-probability of all of them together; with a best path it is that of the path, with a beam
            a lower bound.
        bound: Whether ``log_prob`` is exact: that of a best path or a beam is a lower bound.
        words: Words that the labels belong to, for a tagger.
        alternatives: All labels with their probabilities at the place of each, most probable first; empty if the model
            gives none (random fields, labels without a place).
        weights: Weight of each place of the source, if there is one label for all; empty if only the encoder's last
            state counted.
    """

    labels: tuple[str, ...]
    log_prob: float
    words: tuple[str, ...] = ()
    alternatives: tuple[tuple[tuple[str, float], ...], ...] = ()
    weights: tuple[float, ...] = ()
    bound: Bound = "exact"

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain: dict[str, Any] = {"labels": self.labels, "log_prob": self.log_prob, "bound": self.bound}
        if self.words:
            plain["words"] = self.words
        if self.alternatives:
            plain["probabilities"] = [dict(one) for one in self.alternatives]
        if self.weights:
            plain["weights"] = [round(weight, 6) for weight in self.weights]
        return plain

    def describe(self, between: str = " ") -> str:
        """Return words with their labels, or labels, and the probability of a single one.

        Args:
            between: Separator of two labels.
        """
        if self.words:
            return " ".join(f"{word}/{label}" for word, label in zip(self.words, self.labels, strict=True))
        told = between.join(self.labels)
        if len(self.alternatives) != 1:
            return told
        best, *others = self.alternatives[0]
        rest = ", ".join(f"{label} {share:.1%}" for label, share in others[:_OTHERS] if share >= _LEAST)
        return f"{told}\t{best[1]:.1%}" + (f"\t({rest})" if rest else "")


@dataclass(frozen=True)
class LabelEvaluation:
    """Evaluation of a model on labelled sequences.

    Attributes:
        sequences: Number of sequences.
        labels: Number of their labels.
        nats_per_label: Mean of -ln P(labels | source), per label.
        exact: Share of sequences all of whose labels are right.
        accuracy: Share of labels that are right; ``None`` if they have no place.
        label_error: Edits per label; ``None`` if each has its place.
        spans: Scores of the spans, for labels in IOB notation.
        confusions: The real label, the predicted one, and their number; most frequent first.
        by_label: Scores of each label, or of each type of span; most frequent first. Empty if labels have no place.
        unknown_words: Number of words that are not in the model's vocabulary.
        unknown_accuracy: Share of their labels that are right; ``None`` if there are none.
        search: Search for labels without a place.
        bound: Whether the loss is exact.
        left_out: Number of further sequences that were left out, as the model does not know some label of theirs.
    """

    sequences: int
    labels: int
    nats_per_label: float
    exact: float
    accuracy: float | None
    label_error: float | None
    spans: SpanScores | None
    confusions: tuple[tuple[str, str, int], ...]
    search: str = "best path"
    bound: Bound = "exact"
    left_out: int = 0
    by_label: Mapping[str, SpanScores] = field(default_factory=dict)
    unknown_words: int = 0
    unknown_accuracy: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks to be shown beside it."""
        if not self.left_out:
            return ()
        return (f"left out: {self.left_out:,} sequences with labels that the model does not know",)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain: dict[str, Any] = {
            "sequences": self.sequences, "labels": self.labels, "nats_per_label": self.nats_per_label,
            "exact": self.exact, "accuracy": self.accuracy, "label_error": self.label_error,
            "bound": self.bound,
            "confusions": [{"real": real, "found": taken, "count": count} for real, taken, count in self.confusions],
        }  # fmt: skip
        if self.spans is not None:
            plain["spans"] = _plain_scores(self.spans)
        if self.by_label:
            plain["by_label"] = {label: _plain_scores(scores) for label, scores in self.by_label.items()}
        if self.unknown_accuracy is not None:
            plain |= {"unknown_words": self.unknown_words, "unknown_accuracy": self.unknown_accuracy}
        return plain

    def describe(self) -> str:
        """Return losses, accuracies and confusions, in lines."""
        nats, spans = self.nats_per_label, self.spans
        lines = []
        lines += [f"{self.sequences:,} sequences, {self.labels:,} labels"]
        lines += [f"{nats:.4f} nats per label ({bits(nats):.4f} bits; {describe_bound(self.bound)})"]
        if self.accuracy is not None:
            lines.append(f"accuracy {self.accuracy:.2%}" + (f", whole sequences {self.exact:.2%}" if spans else ""))
        if self.unknown_accuracy is not None:
            lines.append(
                f"accuracy on words outside the vocabulary {self.unknown_accuracy:.2%} ({self.unknown_words:,} words)"
            )
        if self.label_error is not None:
            lines.append(f"label error {self.label_error:.2%}, whole sequences right {self.exact:.2%} ({self.search})")
        if spans is not None:
            lines.append(
                f"spans: F1 {spans.f1:.2%}, precision {spans.precision:.2%}, recall {spans.recall:.2%} "
                f"({spans.right:,} right of {spans.found:,} found and {spans.real:,} real; CoNLL's definition)"
            )
        if self.confusions:
            told = ", ".join(f"{real} as {taken} {count:,}×" for real, taken, count in self.confusions[:_CONFUSIONS])
            lines.append(f"most often taken for another: {told}")
        return "\n".join([*lines, *self._table()])

    def _table(self) -> list[str]:
        """Return the scores of the most frequent labels, a line each."""
        shown = list(self.by_label.items())[:_LABELS]
        if len(shown) < 2:
            return []
        width = max(len(label) for label, _ in shown)
        lines = [f"{'':<{width}}      F1  precision  recall  real"]
        lines += [
            f"{label:<{width}}  {one.f1:6.1%}     {one.precision:6.1%}  {one.recall:6.1%}  {one.real:,}"
            for label, one in shown
        ]
        left = len(self.by_label) - len(shown)
        return [*lines, *([f"and {left:,} rarer ones (--json has them)"] if left else [])]


def _plain_scores(scores: SpanScores) -> dict[str, float]:
    return {
        "found": scores.found, "real": scores.real, "right": scores.right,
        "precision": scores.precision, "recall": scores.recall, "f1": scores.f1,
    }  # fmt: skip
