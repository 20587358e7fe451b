"""An n-gram model with interpolated modified Kneser-Ney smoothing, as a baseline.

Source: Chen and Goodman 1999, An empirical study of smoothing techniques for language modeling.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

_BEGIN = "<s>"


class KneserNey:
    """P(token | the n - 1 before it); every token of a vocabulary has some probability.

    Args:
        texts: Training texts, each with its end token.
        order: n.
        vocabulary: All tokens there are.
    """

    def __init__(self, texts: Iterable[Sequence[str]], order: int, vocabulary: Iterable[str]) -> None:
        self.order, self._size = order, len(set(vocabulary))
        counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(order + 1)]
        for text in texts:
            for gram in _grams(text, order):
                counts[order][gram] += 1
        # Lower orders count in how many longer ones a gram stood.
        for n in range(order - 1, 0, -1):
            for gram in counts[n + 1]:
                counts[n][gram[1:]] += 1
        self._levels = [_Level(counts[n]) for n in range(1, order + 1)]

    def log_probs(self, text: Sequence[str]) -> list[float]:
        """Return the natural log-probability of every token of a text."""
        return [math.log(self._probability(gram)) for gram in _grams(text, self.order)]

    def _probability(self, gram: tuple[str, ...]) -> float:
        found = 1.0 / self._size
        for n, level in enumerate(self._levels, 1):
            found = level.probability(gram[-n:], found)
        return found


class _Level:
    """The grams of one length."""

    def __init__(self, counts: Counter[tuple[str, ...]]) -> None:
        self._counts = counts
        self._total: Counter[tuple[str, ...]] = Counter()
        self._kinds: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
        for gram, count in counts.items():
            self._total[gram[:-1]] += count
            self._kinds[gram[:-1]][min(count, 3) - 1] += 1
        n1, n2, n3, n4 = (max(1, sum(count == k for count in counts.values())) for k in (1, 2, 3, 4))
        share = n1 / (n1 + 2 * n2)
        self._discounts = tuple(
            min(max(0.0, k - (k + 1) * share * more / less), k)
            for k, more, less in ((1, n2, n1), (2, n3, n2), (3, n4, n3))
        )

    def probability(self, gram: tuple[str, ...], shorter: float) -> float:
        context = gram[:-1]
        total = self._total.get(context)
        if not total:
            return shorter
        count = self._counts.get(gram, 0)
        kept = max(0.0, count - self._discounts[min(count, 3) - 1]) if count else 0.0
        freed = sum(discount * kinds for discount, kinds in zip(self._discounts, self._kinds[context], strict=True))
        return (kept + freed * shorter) / total


def _grams(text: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    padded = [_BEGIN] * (order - 1) + list(text)
    return (tuple(padded[at : at + order]) for at in range(len(text)))
