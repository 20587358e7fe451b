"""A trained model as it is stored, from a run folder or from one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from ostinato.disk.documents import check_document, check_regular, seal, write_whole
from ostinato.errors import ConfigError, DamagedError, RunError
from ostinato.runs.arrays import arrays_digest, check_finite, parse_arrays
from ostinato.runs.fields import Chosen, Config, Origin, checked
from ostinato.runs.folder import RunFolder, explaining_full_disk
from ostinato.training.snapshot import Arrays

_ABOUT = ("config", "codec", "origin", "best")
_KEY = "ostinato"  # our document's name in the metadata of a safetensors file
_LONGEST_HEADER = 2**28


@dataclass(frozen=True)
class SavedModel:
    """A trained model: everything that generating and scoring need.

    Attributes:
        path: Path that it was read from.
        config: The recipe and every setting.
        codec: The codec's description.
        origin: Data, versions, seed and command.
        best: Step, kind of weights and validation loss.
        weights: The weights, by name.
        warnings: Warnings about damaged files that were not used.
    """

    path: Path
    config: dict[str, Any]
    codec: dict[str, Any]
    origin: dict[str, Any]
    best: dict[str, Any]
    weights: Arrays
    warnings: list[str] = field(default_factory=list)


def read_model(path: Path, *, untrained: bool = False) -> SavedModel:
    """Read a run folder's best weights, or a model file that ``export`` wrote.

    Args:
        path: The folder or file.
        untrained: Whether a run that was set up and never trained is read too, with a warning.

    Raises:
        RunError: There is no model, or it is of another format version, or was never trained.
        DamagedError: It is truncated or altered, or has numbers that are not finite.
    """
    if path.is_file():
        return _read_file(path)
    run = RunFolder(path)
    config, codec, origin = run.config(), run.codec(), run.origin()
    best, weights, warnings = run.load_best()
    if best["step"] == 0 and origin["base"] is None:
        message = f"{path} was set up and never trained: its weights are as they were drawn"
        if not untrained:
            damage = "".join(f"\n{warning}" for warning in warnings)
            raise RunError(f"{message}. Train it: ostinato resume {path}{damage}")
        warnings = [*warnings, message]
    return SavedModel(path, config, codec, origin, best, weights, warnings)


def read_about(path: Path) -> dict[str, Any]:
    """Read the recipe and the settings of a run folder or a model file; errors as of ``read_model``."""
    return _read_file(path).config if path.is_file() else RunFolder(path).config()


def export(model: SavedModel, target: Path) -> None:
    """Write a model into one safetensors file, its codec, settings and origin in the metadata.

    Raises:
        ConfigError: The file's ending is that of another format.
        RunError: The file exists, or cannot be written.
    """
    if target.suffix != ".safetensors":
        raise ConfigError(
            f"a model is exported as one safetensors file, and {target} ends in {target.suffix or 'nothing'!r}; "
            f"name it {target.stem}.safetensors"
        )
    if target.exists():
        raise RunError(f"{target} exists already and is never overwritten; choose another name")
    about = {
        "config": model.config,
        "codec": model.codec,
        "origin": model.origin,
        "best": model.best,
        "weights_sha256": arrays_digest(model.weights),
    }
    data = save(model.weights, {_KEY: seal(about)})
    with explaining_full_disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data)


def _read_file(path: Path) -> SavedModel:
    check_regular(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    about = check_document(_metadata(data, path), str(path))
    missing = [name for name in (*_ABOUT, "weights_sha256") if name not in about]
    if missing:
        raise DamagedError(f"{path} is no model file that 'ostinato export' wrote: it states no {', '.join(missing)}")
    for name, kind in (("config", Config), ("origin", Origin), ("best", Chosen)):
        checked(about[name] if isinstance(about[name], dict) else {}, kind, f"{path}, {name}")
    weights = parse_arrays(data, str(path))
    if arrays_digest(weights) != about["weights_sha256"]:
        raise DamagedError(f"{path} is damaged: its weights do not match their digest")
    check_finite(weights, str(path))
    return SavedModel(path, about["config"], about["codec"], about["origin"], about["best"], weights)


def _metadata(data: bytes, path: Path) -> str:
    """Return our document from the header of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    try:
        if length > min(len(data), _LONGEST_HEADER):
            raise ValueError("its header is longer than the file")
        header = json.loads(data[8 : 8 + length])
        document = header.get("__metadata__", {}).get(_KEY)
    except (ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{path} is no model file, or a damaged one: {error}") from error
    if not isinstance(document, str):
        raise RunError(f"{path} is a safetensors file, but not one that 'ostinato export' wrote")
    return document
