"""Columns: examples of a corpus that are no text, one for each of its texts, as arrays by name."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import CorpusError

Array: TypeAlias = NDArray[Any]

_KINDS: dict[str, type[Column]] = {}


class Column(abc.ABC):
    """Examples of one kind: sequences of frames, images, trees. A subclass is found again by its ``kind``.

    Attributes:
        kind: Name of the kind, under which a run stores it.
    """

    kind: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in cls.__dict__:
            _KINDS[cls.kind] = cls

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """Number of examples."""

    @property
    @abc.abstractmethod
    def places(self) -> int:
        """Number of places in all examples, by which a corpus is measured."""

    @abc.abstractmethod
    def select(self, chosen: Sequence[int]) -> Self:
        """Return some of the examples, by their numbers."""

    @abc.abstractmethod
    def part(self, first: int, last: int) -> Self:
        """Return the examples from number ``first`` to before ``last``."""

    @abc.abstractmethod
    def digests(self) -> list[str]:
        """Return a digest of each example, equal for equal examples."""

    @abc.abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Return its arrays by name, of which ``of_arrays`` makes it again."""

    @classmethod
    @abc.abstractmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the column that ``arrays`` gave.

        Raises:
            ValueError: They are of no such column.
        """


def column_arrays(part: str, columns: Mapping[str, Column]) -> dict[str, Array]:
    """Return the arrays of columns, each as ``PART.COLUMN.KIND.ARRAY``."""
    return {
        f"{part}.{name}.{column.kind}.{array}": values
        for name, column in columns.items()
        for array, values in column.arrays().items()
    }


def columns_of_arrays(part: str, arrays: Mapping[str, Array], count: int) -> dict[str, Column]:
    """Return the columns whose arrays ``column_arrays`` named.

    Args:
        part: Their part.
        arrays: Those of all parts.
        count: Number of examples that each has to have.

    Raises:
        ValueError: Arrays are of no column that this version knows, or of another number of examples.
    """
    grouped: dict[tuple[str, str], dict[str, Array]] = {}
    for key, values in arrays.items():
        names = key.split(".")
        if len(names) == 4 and names[0] == part:
            grouped.setdefault((names[1], names[2]), {})[names[3]] = values
    columns = {}
    for (name, kind), own in grouped.items():
        if kind not in _KINDS:
            raise ValueError(f"column {name!r} is of kind {kind!r}, which this version does not know")
        columns[name] = _KINDS[kind].of_arrays(own)
        if columns[name].count != count:
            raise ValueError(f"column {name!r} has {columns[name].count:,} examples, and there are {count:,}")
    return columns


def check_offsets(offsets: Array, total: int) -> None:
    """Check that offsets cut ``total`` places into examples.

    Raises:
        ValueError: They do not.
    """
    whole = offsets.dtype.kind == "i" and offsets.ndim == 1 and len(offsets) > 0
    if not whole or offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
        raise ValueError("offsets do not cut the values into examples")


def examples_of(columns: Mapping[str, Column]) -> list[str]:
    """Return a digest of each example over all columns.

    Raises:
        CorpusError: Columns differ in their number of examples.
    """
    counts = {name: column.count for name, column in columns.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        raise CorpusError(f"columns differ in their number of examples: {told}")
    return ["".join(parts) for parts in zip(*(column.digests() for column in columns.values()), strict=True)]
