"""The most probable labels of a model that sums over paths (CTC), by a beam of prefixes."""

from __future__ import annotations

import heapq
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Prefix: TypeAlias = tuple[int, ...]
_NEVER = -math.inf


def prefix_beam(log_probs: NDArray[np.float64], *, blank: int, beam: int) -> list[tuple[list[int], float]]:
    """Search for the labels whose paths have the highest probability in sum.

    Each prefix is kept with two sums over its paths: of those that end in a blank, and of those that end in its last
    label; a label may follow itself only after a blank.

    Args:
        log_probs: Natural log-probability of each label and of the blank at each place, [S, V + 1].
        blank: The blank's id.
        beam: Number of prefixes kept.

    Returns:
        The label sequences kept to the end, best first, each with a lower bound of its natural log-probability: paths
        whose prefixes were not kept are missing; exact if none was lost.

    Source: Hannun et al. 2014, arXiv:1408.2873, without a language model.
    """
    kept: dict[_Prefix, tuple[float, float]] = {(): (0.0, _NEVER)}
    for place in log_probs.tolist():
        after: dict[_Prefix, tuple[float, float]] = {}
        for prefix, (ends_blank, ends_label) in kept.items():
            whole = _sum(ends_blank, ends_label)
            last = prefix[-1] if prefix else blank
            stays = ends_label + place[last] if prefix else _NEVER
            _add(after, prefix, whole + place[blank], stays)
            for label, value in enumerate(place):
                if label != blank:
                    _add(after, (*prefix, label), _NEVER, (ends_blank if label == last else whole) + value)
        best = heapq.nsmallest(beam, after.items(), key=lambda item: (-_sum(*item[1]), item[0]))
        kept = dict(best)
    return [(list(prefix), _sum(*sums)) for prefix, sums in kept.items()]


def _add(found: dict[_Prefix, tuple[float, float]], prefix: _Prefix, ends_blank: float, ends_label: float) -> None:
    if ends_blank == ends_label == _NEVER:
        return
    before = found.get(prefix, (_NEVER, _NEVER))
    found[prefix] = (_sum(before[0], ends_blank), _sum(before[1], ends_label))


def _sum(a: float, b: float) -> float:
    """Return log(exp a + exp b)."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))
