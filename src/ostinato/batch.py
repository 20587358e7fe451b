"""A batch: what a stream hands to a task for one training step or one piece of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float32]
    Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """B rows of T symbols each, in NumPy arrays, so that streams need no PyTorch.

    Attributes:
        inputs: What the model reads, [B, T] ids.
        targets: What it has to predict at each place, [B, T] ids.
        lengths: How many places of each row are real, [B]; ``None`` means all T.
        fresh: Rows that start anew, [B]: their carried state is put back to the initial state first.
    """

    inputs: Ids
    targets: Ids
    lengths: Ids | None
    fresh: Flags

    @property
    def count(self) -> int:
        """How many targets are real."""
        return int(self.targets.size if self.lengths is None else self.lengths.sum())

    def part(self, rows: slice) -> Batch:
        """Return some of its rows."""
        values = {field.name: self.__dict__[field.name] for field in fields(self)}
        cut: dict[str, Any] = {name: None if value is None else value[rows] for name, value in values.items()}
        return replace(self, **cut)


@dataclass(frozen=True)
class PairBatch(Batch):
    """Targets, each with the source that it belongs to.

    Attributes:
        sources: Ids of the sources, [B, S]; or real vectors, [B, S, D].
        source_lengths: How many places of each are real, [B].
    """

    sources: Ids | Floats
    source_lengths: Ids
