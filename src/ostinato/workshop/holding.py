"""Loading a trained model, whatever it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostinato.engine.kernels import Compiling
from ostinato.errors import ConfigError
from ostinato.families import Machine, find_recipe, load_installed, plugin_of, unknown_part
from ostinato.runs import read_model
from ostinato.runs.shipped import path_or_shipped


def load(
    path: str | Path,
    *others: str | Path,
    device: str = "cpu",
    threads: int | None = None,
    compiling: Compiling | None = None,
    prepare: Callable[[], None] | None = None,
) -> Any:
    """Load a model from a run folder or from a file that ``export`` wrote; several language models as an ensemble.

    Args:
        path: The run folder or model file, or the name of a model that is shipped, such as ``"shakespeare"``.
        others: More of them: the mean of their probabilities is used.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"``.
        threads: Most processor threads of compiled code; ``None``: as many as there are cores.
        compiling: Called with what is about to be compiled.
        prepare: Called before PyTorch is used.

    Returns:
        A ``TextModel``, ``Translator`` or ``Annotator``, by what was trained; ``TextModel.open`` and the others load
        the same with their type known.

    Raises:
        ConfigError: The device is not there, or the models cannot work together.
        RunError: There is none, it is damaged, or of another format version.
    """
    saved, *more = (read_model(path_or_shipped(one)) for one in (path, *others))
    own, recipe, settings = saved.origin.get("plugin"), saved.config["recipe"], saved.config["settings"]
    if own is not None:
        load_installed()
        if part := unknown_part(recipe, settings):
            raise ConfigError(f"{path} is of {part}, which its plug-in brings: give --plugin {own['name']}")
    family, loaded = find_recipe(recipe).family, plugin_of(recipe, settings)
    if own is not None and (loaded is None or own["sha256"] != loaded["sha256"]):
        saved.warnings.append(
            f"{path} was trained with the plug-in {own['name']} (SHA-256 {own['sha256'][:12]}…), and loaded is "
            f"{'none' if loaded is None else loaded['name'] + ' (SHA-256 ' + loaded['sha256'][:12] + '…)'}"
        )
    return family.open(saved, more, Machine(device, threads, compiling, prepare))
