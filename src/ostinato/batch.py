"""Batches: what a stream hands to a task for one training step or one piece of an evaluation."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float32]
    Flags: TypeAlias = NDArray[np.bool_]


class Batch(abc.ABC):
    """B rows that are learned from side by side, in NumPy arrays, so that streams need no PyTorch."""

    @property
    @abc.abstractmethod
    def rows(self) -> int:
        """The number of rows B."""

    @property
    @abc.abstractmethod
    def targets_of_rows(self) -> Ids:
        """The number of targets of each row, [B]."""

    @abc.abstractmethod
    def part(self, rows: slice) -> Self:
        """Return some of its rows."""

    @abc.abstractmethod
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return its arrays by name: batches of equal arrays are equal."""

    @property
    def count(self) -> int:
        """The number of targets in all rows."""
        return int(self.targets_of_rows.sum())

    @property
    def starts(self) -> bool:
        """Whether some row starts anew, from the initial state."""
        return True


@dataclass(frozen=True)
class SymbolBatch(Batch):
    """B rows of T symbols each.

    Attributes:
        inputs: Ids that the model reads, [B, T].
        targets: Ids that it has to predict at each place, [B, T].
        lengths: Number of real places of each row, [B]; ``None`` means all T.
        fresh: Rows that start anew, [B]: their carried state is put back to the initial state first.
    """

    inputs: Ids
    targets: Ids
    lengths: Ids | None
    fresh: Flags

    @property
    def rows(self) -> int:
        return len(self.fresh)

    @property
    def targets_of_rows(self) -> Ids:
        return np.full(self.rows, self.targets.shape[1]) if self.lengths is None else self.lengths

    @property
    def starts(self) -> bool:
        return bool(self.fresh.any())

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        named = {field.name: self.__dict__[field.name] for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}

    def part(self, rows: slice) -> Self:
        cut: dict[str, Any] = {name: array[rows] for name, array in self.arrays().items()}
        return replace(self, **cut)


@dataclass(frozen=True)
class PairBatch(SymbolBatch):
    """Targets, each with the source that it belongs to.

    Attributes:
        sources: Ids of the sources, [B, S]; or real vectors, [B, S, D].
        source_lengths: Number of real places of each, [B].
    """

    sources: Ids | Floats
    source_lengths: Ids
