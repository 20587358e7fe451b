"""Metrics of labels: accuracy, spans by the CoNLL definition, label error, confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Labels: TypeAlias = Sequence[str]
Span: TypeAlias = tuple[int, int, str]  # first place, place after the last, type


@dataclass(frozen=True)
class SpanScores:
    """Numbers of spans, or of labels; a span is right if its type and both ends are.

    Attributes:
        found: Number of predicted ones.
        real: Number of real ones.
        right: Number of those that are both.
    """

    found: int
    real: int
    right: int

    @property
    def precision(self) -> float:
        """Share of the predicted ones that are right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the real ones that were predicted."""
        return self.right / self.real if self.real else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.found + self.real) if self.found + self.real else 0.0


def spans(labels: Labels) -> list[Span]:
    """Return the spans that labels in IOB notation mark.

    ``B-X`` begins a span; so does ``I-X`` where no span of type X is open.

    >>> spans(["B-NP", "I-NP", "O", "I-VP", "I-NP", "B-NP"])
    [(0, 2, 'NP'), (3, 4, 'VP'), (4, 5, 'NP'), (5, 6, 'NP')]

    Source: conlleval, the scorer of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000).
    """
    marked: list[Span] = []
    first, kind = 0, ""
    for place, label in enumerate([*labels, "O"]):
        mark, _, own = label.partition("-")
        if kind and not (mark == "I" and own == kind):
            marked.append((first, place, kind))
            kind = ""
        if own and not kind:
            first, kind = place, own
    return marked


def span_scores(found: Sequence[Labels], real: Sequence[Labels]) -> SpanScores:
    """Compare the spans of predicted label sequences with the real ones."""
    pairs = [(set(spans(one)), set(spans(other))) for one, other in zip(found, real, strict=True)]
    return SpanScores(
        sum(len(one) for one, _ in pairs),
        sum(len(other) for _, other in pairs),
        sum(len(one & other) for one, other in pairs),
    )


def scores_by_label(found: Sequence[Labels], real: Sequence[Labels], *, of_spans: bool) -> dict[str, SpanScores]:
    """Compare predictions with the real labels, for each label or each type of span; most frequent first."""
    if of_spans:
        found_sets = [{(kind, first, last) for first, last, kind in spans(one)} for one in found]
        real_sets = [{(kind, first, last) for first, last, kind in spans(one)} for one in real]
    else:
        found_sets = [{(label, place, 0) for place, label in enumerate(one)} for one in found]
        real_sets = [{(label, place, 0) for place, label in enumerate(one)} for one in real]
    counts = [Counter[str](), Counter[str](), Counter[str]()]
    for one, other in zip(found_sets, real_sets, strict=True):
        for count, marks in zip(counts, (one, other, one & other), strict=True):
            count.update(label for label, _, _ in marks)
    predicted, actual, right = counts
    order = sorted(predicted | actual, key=lambda label: (-actual[label], label))
    return {label: SpanScores(predicted[label], actual[label], right[label]) for label in order}


def label_error(found: Sequence[Labels], real: Sequence[Labels]) -> float:
    """Return the number of edits (insertions, deletions, substitutions of labels) per real label."""
    from rapidfuzz.distance import Levenshtein

    edits = sum(Levenshtein.distance(list(one), list(other)) for one, other in zip(found, real, strict=True))
    return edits / max(1, sum(map(len, real)))


def accuracy(found: Sequence[Labels], real: Sequence[Labels]) -> float:
    """Return the share of labels that are right, place by place."""
    right = sum(a == b for one, other in zip(found, real, strict=True) for a, b in zip(one, other, strict=True))
    return right / max(1, sum(map(len, real)))


def confusions(found: Sequence[Labels], real: Sequence[Labels]) -> list[tuple[str, str, int]]:
    """Return the confusions: the real label, the predicted one, and their number; most frequent first."""
    counts = Counter(
        (b, a) for one, other in zip(found, real, strict=True) for a, b in zip(one, other, strict=True) if a != b
    )
    return [(real_, taken, count) for (real_, taken), count in counts.most_common()]
