"""How good labels are: accuracy, spans by the CoNLL definition, label error, what is taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Labels: TypeAlias = Sequence[str]
Span: TypeAlias = tuple[int, int, str]  # first place, place after the last, type


@dataclass(frozen=True)
class SpanScores:
    """How many spans are found, type and both ends being right.

    Attributes:
        found: Spans that were found.
        real: Spans that there are.
        right: Spans that are both.
    """

    found: int
    real: int
    right: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of what there is that was found."""
        return self.right / self.real if self.real else 0.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.right / (self.found + self.real) if self.found + self.real else 0.0


def spans(labels: Labels) -> list[Span]:
    """Return the spans that labels in IOB notation mark.

    ``B-X`` begins a span; so does ``I-X`` where no span of type X is open.

    >>> spans(["B-NP", "I-NP", "O", "I-VP", "I-NP", "B-NP"])
    [(0, 2, 'NP'), (3, 4, 'VP'), (4, 5, 'NP'), (5, 6, 'NP')]

    Source: conlleval, the scorer of the CoNLL-2000 shared task (Tjong Kim Sang and Buchholz 2000).
    """
    found: list[Span] = []
    first, kind = 0, ""
    for place, label in enumerate([*labels, "O"]):
        mark, _, own = label.partition("-")
        if kind and not (mark == "I" and own == kind):
            found.append((first, place, kind))
            kind = ""
        if own and not kind:
            first, kind = place, own
    return found


def span_scores(found: Sequence[Labels], real: Sequence[Labels]) -> SpanScores:
    """Compare the spans of sequences of labels with those that they should have."""
    pairs = [(set(spans(one)), set(spans(other))) for one, other in zip(found, real, strict=True)]
    return SpanScores(
        sum(len(one) for one, _ in pairs),
        sum(len(other) for _, other in pairs),
        sum(len(one & other) for one, other in pairs),
    )


def label_error(found: Sequence[Labels], real: Sequence[Labels]) -> float:
    """Return edits (insertions, deletions, substitutions of labels) for each label that there should be."""
    from rapidfuzz.distance import Levenshtein

    edits = sum(Levenshtein.distance(list(one), list(other)) for one, other in zip(found, real, strict=True))
    return edits / max(1, sum(map(len, real)))


def accuracy(found: Sequence[Labels], real: Sequence[Labels]) -> float:
    """Return the share of labels that are right, place by place."""
    right = sum(a == b for one, other in zip(found, real, strict=True) for a, b in zip(one, other, strict=True))
    return right / max(1, sum(map(len, real)))


def confusions(found: Sequence[Labels], real: Sequence[Labels]) -> list[tuple[str, str, int]]:
    """Return what was taken for what: the real label, the one found, and how often; most frequent first."""
    counts = Counter(
        (b, a) for one, other in zip(found, real, strict=True) for a, b in zip(one, other, strict=True) if a != b
    )
    return [(real_, taken, count) for (real_, taken), count in counts.most_common()]
