"""Sequences of numbers in ``.npy`` and ``.npz`` files, checked."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.data.columns import Array
from ostinato.data.frames import Frames
from ostinato.errors import CorpusError

ARRAY, ARRAYS = ".npy", ".npz"
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def read_array(path: str) -> Array:
    """Return the sequence [T, D] of an ``.npy`` file; [T] is read as frames of one number each.

    Raises:
        CorpusError: It cannot be read, or holds something else.
    """
    array = _loaded(path)
    if not isinstance(array, np.ndarray):
        raise CorpusError(f"{path} holds several arrays; {ARRAY} files hold one")
    values = _numbers(array, path)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise CorpusError(f"{path}: a sequence is [T, D] of numbers; this has the shape {values.shape}")
    return values


class Archive:
    """Arrays of an ``.npz`` file: ``x``, ``y`` and perhaps ``lengths``, each with or without ``_train`` or ``_test``.

    Args:
        path: The file.
        part: Part to read, such as ``"train"``; where the file has no ``x_train``, plain ``x`` is read.

    Raises:
        CorpusError: The file cannot be read.
    """

    def __init__(self, path: str, part: str) -> None:
        self._path, self._part = path, part
        file = _loaded(path)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise CorpusError(f"{path} holds one array; {ARRAYS} files have x and y")
        self._file = file

    def sequences(self) -> Frames:
        """Return the sequences of ``x``: [N, T, D], or flat ones [N, D] of one frame each.

        Raises:
            CorpusError: It is missing, or of another shape, or ``lengths`` does not fit it.
        """
        name, array = self._array("x")
        values = _numbers(array, f"{self._path}: {name}")
        if values.ndim < 2 or not values.size:
            raise CorpusError(
                f"{self._path}: {name} holds sequences, [N, T, D] or flat ones [N, D]; it has the shape {values.shape}"
            )
        flat = values.reshape(len(values), -1, values.shape[-1])
        if self._name("lengths") is None:
            return Frames(flat.reshape(-1, flat.shape[-1]), np.arange(len(flat) + 1) * flat.shape[1])
        name, lengths = self._array("lengths")
        whole = np.issubdtype(lengths.dtype, np.integer)
        if not whole or lengths.shape != (len(flat),) or lengths.min() < 1 or lengths.max() > flat.shape[1]:
            raise CorpusError(
                f"{self._path}: {name} says how many frames, from 1 to {flat.shape[1]}, each of the {len(flat):,} "
                "sequences has"
            )
        return Frames.joined([one[:length] for one, length in zip(flat, lengths.tolist(), strict=True)])

    def labels(self) -> list[str]:
        """Return ``y`` as texts: for each sequence one label, or several joined by spaces.

        Raises:
            CorpusError: It is missing, or a value of it is no label.
        """
        name, array = self._array("y")
        if not array.ndim:
            raise CorpusError(f"{self._path}: {name} is one value; it has to hold one for each sequence")
        return [self._label(np.ravel(one).tolist(), number) for number, one in enumerate(array, 1)]

    def _label(self, values: Sequence[Any], number: int) -> str:
        told = " ".join(map(_label_text, values))
        if not told.strip() or any(mark in told for mark in "\t\r\n") or "nan" in map(_label_text, values):
            raise CorpusError(f"{self._path}, number {number:,}: {told!r} is no label")
        return told.strip()

    def _array(self, name: str) -> tuple[str, Array]:
        known = self._name(name)
        if known is None:
            has = ", ".join(sorted(self._file.files)) or "none"
            raise CorpusError(f"{self._path} has no array {name!r} or '{name}_{self._part}'; it has {has}")
        try:
            array = self._file[known]
        except _UNREADABLE as error:
            raise CorpusError(f"{self._path}: {known} cannot be read: {error}") from error
        if not isinstance(array, np.ndarray):
            raise CorpusError(f"{self._path}: {known} is no array")
        return known, array

    def _name(self, name: str) -> str | None:
        return next((known for known in (f"{name}_{self._part}", name) if known in self._file.files), None)


def _numbers(values: Array, what: str) -> Array:
    """Check that all values are real and finite, and return them."""
    kind = values.dtype
    if not (np.issubdtype(kind, np.number) or kind == np.bool_) or np.issubdtype(kind, np.complexfloating):
        raise CorpusError(f"{what} holds {kind}, and frames are real numbers")
    if np.issubdtype(kind, np.floating) and not np.isfinite(values).all():
        raise CorpusError(f"{what} holds values that are no finite numbers")
    return values


def _label_text(value: Any) -> str:
    """Return a label as text: 1.0 becomes 1, bytes are decoded."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _loaded(path: str) -> Any:
    if not Path(path).is_file():
        raise CorpusError(f"there is no file {path!r}")
    try:
        return np.load(path, allow_pickle=False)
    except _UNREADABLE as error:
        raise CorpusError(f"{path} cannot be read as an array: {error}") from error
