"""Recordings: the states of a network over a sequence, with the symbols that they belong to."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ostinato.decode.places import Places
from ostinato.disk.documents import write_whole
from ostinato.errors import ConfigError, RunError

_GUESSES = "logits"
_AT_ONCE = 2**24  # logits that are looked at together
_LEAST = -1e9  # in place of the logarithm of nothing


@dataclass(frozen=True)
class Recording:
    """Values of a network over a sequence; the first of each is that before the first symbol.

    Attributes:
        symbols: The symbols as texts, T of them.
        ids: Their ids, [T].
        arrays: Arrays by name. Those of units, [T + 1, L, H]: ``"hidden"``; of cores that have one, ``"cell"``; gates
            by their names, such as ``"forget_gate"``, where they were asked for. Others have two axes: ``"logits"`` of
            the next symbol, [T + 1, V]; ``"attention"`` to a source of S symbols, [T, S].
        starts: Number of the symbol with which each sequence begins that was read from a fresh state; of several the
            states and logits before the first symbol are kept of the first alone.
    """

    symbols: tuple[str, ...]
    ids: NDArray[np.int64]
    arrays: Mapping[str, NDArray[np.float32]]
    starts: tuple[int, ...] = (0,)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the arrays of units."""
        return tuple(name for name, array in self.arrays.items() if array.ndim == 3)

    @property
    def layers(self) -> int:
        """Number of layers L."""
        return self._shape[1]

    @property
    def units(self) -> int:
        """Number of units H of each layer."""
        return self._shape[2]

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.arrays[self.parts[0]].shape

    def __len__(self) -> int:
        return len(self.symbols)

    def __getitem__(self, part: slice) -> Recording:
        """Return a part of the sequence, with the values before its first symbol."""
        first, end, step = part.indices(len(self))
        if step != 1:
            raise ConfigError("a part of a recording is one run of symbols; leave the step out")
        end = max(first, end)
        before = {name: len(array) - len(self) for name, array in self.arrays.items()}  # 1: it has one before the first
        arrays = {name: array[first : end + before[name]] for name, array in self.arrays.items()}
        starts = tuple(start - first for start in self.starts if first < start < end)
        return Recording(self.symbols[first:end], self.ids[first:end], arrays, (0, *starts))

    def without(self, names: Collection[str]) -> Recording:
        """Return it without some of its arrays."""
        arrays = {name: array for name, array in self.arrays.items() if name not in names}
        return Recording(self.symbols, self.ids, arrays, self.starts)

    def sequences(self) -> list[NDArray[np.int64]]:
        """Return the ids of each sequence that was read from a fresh state."""
        return np.split(self.ids, self.starts[1:])

    def of_units(self) -> tuple[list[NDArray[np.float32]], list[tuple[str, int, int]]]:
        """Return the values of units after each symbol, [H, T] for each layer of each part, and their places."""
        values = [self.arrays[part][1:, layer].T for part in self.parts for layer in range(self.arrays[part].shape[1])]
        places = [
            (part, layer, unit)
            for part in self.parts
            for layer in range(self.arrays[part].shape[1])
            for unit in range(self.arrays[part].shape[2])
        ]
        return values, places

    @property
    def text(self) -> str:
        """The text that its symbols spell."""
        return "".join(self.symbols)

    def labels_of(self, labels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the label after each symbol, [T], of labels of each character of ``text``.

        Raises:
            ConfigError: There is another number of them.
        """
        ends = np.cumsum([len(symbol) for symbol in self.symbols])
        if ends[-1] != len(labels) or not len(labels):
            raise ConfigError(
                f"the symbols have {ends[-1]:,} characters, and there are labels of {len(labels):,}; label the text of "
                "the recording"
            )
        own: NDArray[np.float64] = labels[np.maximum(ends - 1, 0)]
        return own

    def expected(self, count: int) -> Places:
        """Return what was expected in the place of each symbol, with so many guesses.

        Raises:
            ConfigError: No logits were recorded, or several sequences were.
        """
        if len(self.starts) > 1:
            raise ConfigError("what is expected is told of one sequence, and several were recorded")
        if _GUESSES not in self.arrays:
            raise ConfigError("nothing was recorded of what was expected; record it with the logits")
        logits = self.arrays[_GUESSES][:-1]
        rows = max(1, _AT_ONCE // logits.shape[1])
        parts = [
            _expected(logits[first : first + rows], self.ids[first : first + rows], count)
            for first in range(0, max(1, len(logits)), rows)
        ]
        return Places(*(np.concatenate(own) for own in zip(*parts, strict=True)))

    def _repr_html_(self) -> str:
        """Return it as it shows itself in a notebook."""
        from ostinato.inspect.looking import cells
        from ostinato.inspect.page import in_notebook

        return in_notebook([cells(self)], title=f"{len(self):,} symbols")

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """Return the arrays, and the ids."""
        return {"ids": self.ids, "starts": np.array(self.starts), **self.arrays}

    def save(self, path: str | Path) -> None:
        """Write it into a file (safetensors) that ``Recording.load`` reads.

        Raises:
            RunError: The file cannot be written.
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in self.to_numpy().items()}
        try:
            write_whole(Path(path), save(arrays, metadata={"symbols": json.dumps(self.symbols)}))
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error}") from error

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read a recording.

        Raises:
            RunError: There is none, or the file is damaged.
        """
        try:
            with safe_open(str(path), framework="numpy") as file:
                symbols: Sequence[str] = json.loads(file.metadata()["symbols"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            ids, starts = arrays.pop("ids"), tuple(arrays.pop("starts").tolist())
            return cls(tuple(symbols), ids, arrays, starts)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
            raise RunError(f"{path} holds no recording: {error}") from error


def _expected(logits: NDArray[np.float32], ids: NDArray[np.int64], count: int) -> tuple[NDArray[Any], ...]:
    """Return the fields of ``Places`` for logits of some places, [T, V]."""
    exact = logits.astype(np.float64)
    logs = exact - np.logaddexp.reduce(exact, axis=1, keepdims=True)
    own = logs[np.arange(len(logs)), ids]
    best = np.argsort(-logs, axis=1, kind="stable")[:, :count]
    entropies = -(np.exp(logs) * np.maximum(logs, _LEAST)).sum(axis=1)
    return own, (logs >= own[:, None]).sum(axis=1), entropies, best, np.take_along_axis(logs, best, axis=1)
