"""Arrays on disk, in safetensors files: no pickle, nothing that executes, and a digest for each."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ostinato.disk.documents import check_regular
from ostinato.errors import DamagedError, RunError
from ostinato.training.snapshot import Arrays


def write_arrays(path: Path, arrays: Arrays, metadata: dict[str, str] | None = None) -> str:
    """Write arrays by name and wait until they are on the disk; return the file's SHA-256 in hexadecimal."""
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata)
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return hashlib.sha256(data).hexdigest()


def read_arrays(path: Path, sha256: str) -> Arrays:
    """Read what ``write_arrays`` wrote.

    Raises:
        RunError: The file cannot be read.
        DamagedError: It is missing, truncated or altered.
    """
    check_regular(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedError(f"{path} is missing") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedError(f"{path} is damaged: its content does not match its digest")
    return parse_arrays(data, str(path))


def parse_arrays(data: bytes, where: str) -> Arrays:
    """Read arrays from the bytes of a safetensors file.

    Raises:
        DamagedError: The bytes are no such file.
    """
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise DamagedError(f"{where} is damaged: {error}") from error


def check_finite(arrays: Arrays, where: str) -> None:
    """Check that all numbers are finite.

    Raises:
        DamagedError: Some are not.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            count = int(array.size - np.isfinite(array).sum())
            raise DamagedError(f"{where} has {count:,} numbers in {name} that are not finite: no model is made of them")


def arrays_digest(arrays: Arrays) -> str:
    """Return the SHA-256 of arrays with their names, types and shapes, in hexadecimal."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name} {array.dtype.str} {array.shape}".encode())
        state.update(array.data)
    return state.hexdigest()
