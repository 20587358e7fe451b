"""Cells that know something: every unit held against a label, on text that chose nothing, beside controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.inspect.labels import Labels, is_question
from ostinato.inspect.recording import Recording

Measure: TypeAlias = Literal["auc", "r2"]
_SHIFTS, _SHUFFLES = 60, 20
_LEAST = 20  # characters of each kind


@dataclass(frozen=True)
class FoundUnit:
    """A unit, and how well it tells a label, on the second half of a text; the first half has chosen its direction.

    Attributes:
        label: Name of the label.
        part: ``"hidden"``, ``"cell"``, or the name of a gate.
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

    @property
    def name(self) -> str:
        """The unit as it is typed, such as ``cell:1:37``."""
        return f"{'' if self.part == 'hidden' else f'{self.part}:'}{self.layer}:{self.unit}"

    def place(self) -> dict[str, Any]:
        """Return its part, layer and number."""
        return {"part": self.part, "layer": self.layer, "unit": self.unit}

    def describe(self) -> str:
        """Return its label and its score in a few words."""
        low = " (low where it is)" if self.sign < 0 else ""
        return f"{self.label}: {self.name}, {self.measure} {self.score:.2f}{low}"


def find_in(recording: Recording, labels: Mapping[str, Labels], *, count: int = 5) -> list[FoundUnit]:
    """Return the units of a recording that tell labels best: some for each label, best first.

    Of several labels, those that hardly change in the text are left out.

    Args:
        recording: The recording.
        labels: A number for each character of its text, by the name of the label.
        count: Number of units for each label.

    Raises:
        ConfigError: A label is nearly the same everywhere, or the text is too short.
    """
    values, places = recording.of_units()
    of_symbols = {name: recording.labels_of(own) for name, own in labels.items()}
    telling = {name: own for name, own in of_symbols.items() if len(labels) == 1 or changes(own)}
    if not telling:
        raise ConfigError(f"none of the labels {', '.join(labels)} changes enough in this text; give another")
    return find_units(values, places, telling, count=count)


def find_units(
    values: Iterable[NDArray[Any]],
    places: Sequence[tuple[str, int, int]],
    labels: Mapping[str, Labels],
    *,
    count: int = 5,
    seed: int = 1,
) -> list[FoundUnit]:
    """Return the units that tell labels best: some for each label, best first.

    Args:
        values: Values of the units after each symbol, [U, T], some units at a time.
        places: Part, layer and unit of each, in the same order.
        labels: The label after each symbol, [T], by its name.
        count: Number of units to return for each label.
        seed: Seed of shuffles and moves.

    Raises:
        ConfigError: A label is nearly the same everywhere, or the text is too short.

    Source: rank sum: Mann and Whitney 1947; controls: Hewitt and Liang 2019, arXiv:1909.03368.
    """
    for name, own in labels.items():
        if not changes(own):
            raise ConfigError(
                f"label {name!r} hardly changes in this text of {len(own):,} symbols: in each half at least {_LEAST} "
                "symbols have to differ from the rest; give a longer text, or one in which it changes"
            )
    searches = [_Search(name, own, seed) for name, own in labels.items()]
    for some in values:
        half = some.shape[1] // 2
        for kind in {search.tell for search in searches}:
            first, second = kind.prepared(some[:, :half]), kind.prepared(some[:, half:])
            for search in searches:
                if search.tell is kind:
                    search.take(first, second)
    return [one for search in searches for one in search.best(places, count)]


class _Search:
    """The search for units that tell one label."""

    def __init__(self, name: str, labels: Labels, seed: int) -> None:
        self.name, self.tell = name, QUESTIONS if is_question(labels) else NUMBERS
        half = len(labels) // 2
        self._first, self._own = labels[:half], labels[half:]
        draw, T = np.random.default_rng(seed), len(labels) - half
        self._shuffled = np.stack([draw.permutation(self._own) for _ in range(_SHUFFLES)])
        moves = draw.integers(T // 10, T - T // 10, _SHIFTS)
        self._moved = np.stack([np.roll(self._own, move) for move in moves.tolist()])
        self._scores: list[NDArray[np.float64]] = []
        self._controls: list[NDArray[np.float64]] = []
        self._signs: list[NDArray[np.int64]] = []
        self._chance = 0.0

    def take(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
        """Hold some units against the label: their values in both halves, as ``prepared`` gives them."""
        signs = self.tell.signs(first, self._first)
        self._signs.append(signs)
        self._scores.append(self.tell.scores(second, self._own[None], signs)[0])
        self._controls.append(self.tell.scores(second, self._shuffled, signs).mean(axis=0))
        # The direction is that of the first half: what chance gives has to choose it as well.
        either = np.maximum(*(self.tell.scores(second, self._moved, s) for s in (signs, -signs)))
        self._chance = max(self._chance, float(either.max()))

    def best(self, places: Sequence[tuple[str, int, int]], count: int) -> list[FoundUnit]:
        """Return the best units of all that were taken."""
        scores, controls = np.concatenate(self._scores), np.concatenate(self._controls)
        signs = np.concatenate(self._signs)
        return [
            FoundUnit(
                label=self.name,
                part=places[unit][0],
                layer=places[unit][1],
                unit=places[unit][2],
                measure=self.tell.measure,
                score=float(scores[unit]),
                control=float(controls[unit]),
                chance=self._chance,
                sign=int(signs[unit]),
            )
            for unit in np.argsort(-scores, kind="stable")[:count].tolist()
        ]


def changes(labels: Labels) -> bool:
    """Return whether labels change enough, in both halves, for units to be held against them."""
    halves = (labels[: len(labels) // 2], labels[len(labels) // 2 :])
    return all(len(own) - max(np.unique(own, return_counts=True)[1], default=0) >= _LEAST for own in halves)


class _Questions:
    """Labels of yes and no, told by rank."""

    measure: Measure = "auc"

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


QUESTIONS, NUMBERS = _Questions(), _Numbers()
