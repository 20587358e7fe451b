"""Recordings: the states of a network over a sequence, with the symbols that they belong to."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
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

_GUESSES = "logits"  # the array that belongs to no unit


@dataclass(frozen=True)
class Recording:
    """Values of a network over a sequence; the first of each is that before the first symbol.

    Attributes:
        symbols: The symbols as texts, T of them.
        ids: Their ids, [T].
        arrays: Arrays by name: ``"hidden"`` and, of cores that have one, ``"cell"``, [T + 1, L, H]; ``"logits"`` of the
            next symbol, [T + 1, V].
    """

    symbols: tuple[str, ...]
    ids: NDArray[np.int64]
    arrays: Mapping[str, NDArray[np.float32]]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the arrays of units."""
        return tuple(name for name in self.arrays if name != _GUESSES)

    @property
    def layers(self) -> int:
        """Number of layers L."""
        return int(self.arrays["hidden"].shape[1])

    @property
    def units(self) -> int:
        """Number of units H of each layer."""
        return int(self.arrays["hidden"].shape[2])

    def __len__(self) -> int:
        return len(self.symbols)

    def __getitem__(self, part: slice) -> Recording:
        """Return a part of the sequence, with the values before its first symbol."""
        first, end, step = part.indices(len(self))
        if step != 1:
            raise ConfigError("a part of a recording is one run of symbols; leave the step out")
        end = max(first, end)
        arrays = {name: array[first : end + 1] for name, array in self.arrays.items()}
        return Recording(self.symbols[first:end], self.ids[first:end], arrays)

    def of_units(self) -> tuple[NDArray[np.float32], list[tuple[str, int, int]]]:
        """Return the value of each unit after each symbol, [U, T], and the part, layer and number of each unit."""
        values = [self.arrays[part][1:].reshape(len(self), -1).T for part in self.parts]
        every = itertools.product(self.parts, range(self.layers), range(self.units))
        return np.concatenate(values), list(every)

    def labels_of(self, labels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the label after each symbol, [T], of labels of each character of the text.

        Raises:
            ConfigError: The symbols are not the characters of the text.
        """
        ends = np.cumsum([len(symbol) for symbol in self.symbols])
        if ends[-1] != len(labels) or not len(labels):
            raise ConfigError(
                f"the symbols have {ends[-1]:,} characters and the text has {len(labels):,}; labels need a "
                "text that the model's symbols spell as it stands, without unknown characters"
            )
        own: NDArray[np.float64] = labels[np.maximum(ends - 1, 0)]
        return own

    def expected(self, count: int) -> Places:
        """Return what was expected in the place of each symbol, with so many guesses."""
        logits = self.arrays[_GUESSES][:-1].astype(np.float64)
        logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        own = logs[np.arange(len(logs)), self.ids]
        best = np.argsort(-logs, axis=1, kind="stable")[:, :count]
        return Places(
            log_probs=own,
            ranks=(logs >= own[:, None]).sum(axis=1),
            entropies=-(np.exp(logs) * logs).sum(axis=1),
            best=best,
            best_log_probs=np.take_along_axis(logs, best, axis=1),
        )

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """Return the arrays, and the ids."""
        return {"ids": self.ids, **self.arrays}

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
            return cls(tuple(symbols), arrays.pop("ids"), arrays)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
            raise RunError(f"{path} holds no recording: {error}") from error
