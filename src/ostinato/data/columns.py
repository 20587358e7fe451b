"""Columns: what a corpus has beside the texts to be learned, one example for each: sources, frames, images."""

from __future__ import annotations

import abc
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import CorpusError

Array: TypeAlias = NDArray[Any]

_KINDS: dict[str, type[Column]] = {}


class Column(abc.ABC):
    """Examples of one kind: texts, sequences of frames, images, trees. A run names its class by the ``kind``.

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


@dataclass(frozen=True)
class Texts(Column):
    """Texts that are read, beside those that are learned: the sources of pairs.

    Attributes:
        texts: The texts.
    """

    kind: ClassVar[str] = "texts"
    texts: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.texts)

    @property
    def places(self) -> int:
        """Number of characters in all."""
        return sum(map(len, self.texts))

    def select(self, chosen: Sequence[int]) -> Texts:
        return Texts(tuple(self.texts[n] for n in chosen))

    def part(self, first: int, last: int) -> Texts:
        return Texts(self.texts[first:last])

    def digests(self) -> list[str]:
        return [_digest(text.encode()) for text in self.texts]

    def arrays(self) -> dict[str, Array]:
        encoded = [text.encode() for text in self.texts]
        return {"utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8), "offsets": offsets_of(map(len, encoded))}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> Texts:
        if arrays.keys() != {"utf8", "offsets"} or arrays["utf8"].dtype != np.uint8:
            raise ValueError("texts have bytes (utf8) and offsets")
        check_offsets(arrays["offsets"], len(arrays["utf8"]))
        whole, offsets = arrays["utf8"].tobytes(), arrays["offsets"].tolist()
        return cls(tuple(whole[a:b].decode() for a, b in itertools.pairwise(offsets)))


@dataclass(frozen=True)
class Sequences(Column, abc.ABC):
    """Sequences of numbers or of vectors, one after another.

    Attributes:
        values: All places, [N] or [N, D], in their original type.
        offsets: Start of each sequence, then the end of the last one, [sequences + 1] int64.
    """

    dimensions: ClassVar[int]
    values: Array
    offsets: Array

    @property
    def count(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    @property
    def places(self) -> int:
        """Number of places in all."""
        return len(self.values)

    @cached_property
    def lengths(self) -> Array:
        """Number of places in each sequence, [sequences]."""
        return np.diff(self.offsets)

    def one(self, number: int) -> Array:
        """Return one sequence, [T] or [T, D]."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def part(self, first: int, last: int) -> Self:
        """Return the sequences from number ``first`` to before ``last``."""
        offsets = self.offsets[first : last + 1]
        return type(self)(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def select(self, chosen: Sequence[int]) -> Self:
        """Return some of the sequences."""
        if not chosen:
            return type(self)(self.values[:0], np.zeros(1, dtype=np.int64))
        return type(self)(
            np.concatenate([self.one(n) for n in chosen]), offsets_of(self.lengths[list(chosen)].tolist())
        )

    @abc.abstractmethod
    def batch(self, rows: Array) -> Array:
        """Return a batch of sequences, [B, T] or [B, T, D], padded with zeros."""

    def digests(self) -> list[str]:
        """Return a digest of each sequence, equal for equal sequences."""
        return [_digest(np.ascontiguousarray(self.one(n)).tobytes()) for n in range(self.count)]

    def arrays(self) -> dict[str, Array]:
        return {"values": self.values, "offsets": self.offsets}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """Return the sequences that ``arrays`` gave.

        Raises:
            ValueError: They are of no such sequences.
        """
        if arrays.keys() != {"values", "offsets"} or arrays["values"].ndim != cls.dimensions:
            raise ValueError(f"{cls.kind} have values with {cls.dimensions} axes, and offsets")
        check_offsets(arrays["offsets"], len(arrays["values"]))
        return cls(arrays["values"], arrays["offsets"])


class Ids(Sequences):
    """Sequences of ids, of a codec of their own."""

    kind: ClassVar[str] = "ids"
    dimensions: ClassVar[int] = 1

    def lists(self) -> list[list[int]]:
        """Return each sequence as a list."""
        values = self.values.tolist()
        return [values[first:last] for first, last in itertools.pairwise(self.offsets.tolist())]

    def batch(self, rows: Array) -> Array:
        """Return a batch of sequences, [B, T] int64, padded with 0."""
        return cut_rows(self.values, self.offsets[rows], self.lengths[rows])


def cut_rows(values: Array, starts: Array, lengths: Array) -> Array:
    """Return stretches of ids as rows, [B, longest] int64, padded with 0."""
    places = np.arange(max(1, int(lengths.max(initial=0))))
    inside = places < lengths[:, None]
    at = np.where(inside, starts[:, None] + places, 0)
    rows: Array = np.where(inside, values[at].astype(np.int64), 0)  # [B, longest]
    return rows


def offsets_of(lengths: Iterable[int]) -> Array:
    """Return the offsets of sequences of these lengths, [sequences + 1] int64."""
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, dtype=np.int64))]).astype(np.int64)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


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
