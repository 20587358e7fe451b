"""Cells that know something: every unit held against a label, on text that chose nothing, beside controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.inspect.labels import Labels, is_question

Measure: TypeAlias = Literal["auc", "r2"]
_SHIFTS, _SHUFFLES = 60, 20
_LEAST = 20  # characters of each kind


@dataclass(frozen=True)
class FoundUnit:
    """A unit, and how well it tells a label, on the second half of a text; the first half has chosen its direction.

    Attributes:
        label: Name of the label.
        part: ``"hidden"`` or ``"cell"``.
        layer: Its layer.
        unit: Its number.
        measure: ``"auc"`` of labels of yes and no: the probability that it is higher where it is so than where it is
            not; ``"r2"`` of numbers: the share of their variance that a line through it explains.
        score: The measure.
        control: The same with labels that are shuffled, on the mean.
        chance: The best score that any unit has with labels that are moved along the text, over all moves: a unit
            that scores higher knows something.
        sign: 1: it is higher where the label is; -1: lower.
    """

    label: str
    part: str
    layer: int
    unit: int
    measure: Measure
    score: float
    control: float
    chance: float
    sign: int

    @property
    def is_above_chance(self) -> bool:
        """Whether it scores higher than any unit does by chance."""
        return self.score > self.chance


def find_units(
    values: NDArray[Any],
    places: Sequence[tuple[str, int, int]],
    labels: Labels,
    name: str,
    *,
    count: int = 5,
    seed: int = 1,
) -> list[FoundUnit]:
    """Return the units that tell a label best, best first.

    Args:
        values: Value of each unit after each symbol, [U, T].
        places: Part, layer and unit of each.
        labels: The label after each symbol, [T].
        name: Name of the label.
        count: Number of units to return.
        seed: Seed of shuffles and moves.

    Raises:
        ConfigError: The label is nearly the same everywhere, or the text is too short.

    Source: rank sum: Mann and Whitney 1947; controls: Hewitt and Liang 2019, arXiv:1909.03368.
    """
    T = labels.shape[0]
    half = T // 2
    if not changes(labels):
        raise ConfigError(
            f"label {name!r} hardly changes in this text of {T:,} symbols: in each half at least {_LEAST} symbols have "
            "to differ from the rest; give a longer text, or one in which it changes"
        )
    tell: _Tells = _Questions(labels) if is_question(labels) else _Numbers(labels)
    first, second = tell.prepared(values[:, :half]), tell.prepared(values[:, half:])
    signs = tell.signs(first, tell.labels[:half])
    own = tell.labels[half:]
    scores = tell.scores(second, own[None], signs)[0]
    draw = np.random.default_rng(seed)
    shuffled = np.stack([draw.permutation(own) for _ in range(_SHUFFLES)])
    moves = draw.integers(len(own) // 10, len(own) - len(own) // 10, _SHIFTS)
    moved = np.stack([np.roll(own, move) for move in moves.tolist()])
    controls = tell.scores(second, shuffled, signs).mean(axis=0)
    # The direction is that of the first half: what chance gives has to choose it as well.
    chance = float(np.maximum(*(tell.scores(second, moved, s) for s in (signs, -signs))).max())
    best = np.argsort(-scores, kind="stable")[:count]
    return [
        FoundUnit(
            label=name,
            part=places[unit][0],
            layer=places[unit][1],
            unit=places[unit][2],
            measure=tell.measure,
            score=float(scores[unit]),
            control=float(controls[unit]),
            chance=chance,
            sign=int(signs[unit]),
        )
        for unit in best.tolist()
    ]


def changes(labels: Labels) -> bool:
    """Return whether labels change enough, in both halves, for units to be held against them."""
    halves = (labels[: len(labels) // 2], labels[len(labels) // 2 :])
    return all(len(own) - max(np.unique(own, return_counts=True)[1], default=0) >= _LEAST for own in halves)


class _Questions:
    """Labels of yes and no, told by rank."""

    measure: Measure = "auc"

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    def prepared(self, values: NDArray[Any]) -> NDArray[np.float64]:
        from scipy.stats import rankdata  # half a second, and only here

        ranks: NDArray[np.float64] = rankdata(values, axis=1)
        return ranks

    def signs(self, ranks: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.int64]:
        ones = np.ones(len(ranks), dtype=np.int64)
        return np.where(self.scores(ranks, labels[None], ones)[0] < 0.5, -1, 1)

    def scores(
        self, ranks: NDArray[np.float64], labels: NDArray[np.float64], signs: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the area under the curve of each unit for each row of labels, [rows, U]."""
        yes = labels.sum(axis=1, keepdims=True)
        no = labels.shape[1] - yes
        areas = (labels @ ranks.T - yes * (yes + 1) / 2) / np.maximum(yes * no, 1)
        result: NDArray[np.float64] = np.where(signs > 0, areas, 1 - areas)
        return result


class _Numbers:
    """Labels that are numbers, told by a straight line."""

    measure: Measure = "r2"

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    def prepared(self, values: NDArray[Any]) -> NDArray[np.float64]:
        centred = values - values.mean(axis=1, keepdims=True)
        scale = centred.std(axis=1, keepdims=True)
        normal: NDArray[np.float64] = centred / np.where(scale > 0, scale, 1)
        return normal

    def signs(self, values: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.where(values @ (labels - labels.mean()) < 0, -1, 1)

    def scores(
        self, values: NDArray[np.float64], labels: NDArray[np.float64], signs: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the squared correlation of each unit with each row of labels; 0 if its direction is the other."""
        centred = labels - labels.mean(axis=1, keepdims=True)
        scale = centred.std(axis=1, keepdims=True)
        correlation = (centred / np.where(scale > 0, scale, 1)) @ values.T / values.shape[1]
        result: NDArray[np.float64] = np.where(correlation * signs > 0, correlation**2, 0.0)
        return result


_Tells: TypeAlias = _Questions | _Numbers
