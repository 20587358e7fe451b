"""Plug-ins: recipes, families and cores of a file, or of an installed package, that are no part of ostinato.

A plug-in is a module that calls ``ostinato.families.register`` or ``ostinato.cores.table.register_core`` when it is
imported. An installed package names it as an entry point of the group ``ostinato.families``; a file is named for one
call. A run keeps the name and the digest of the plug-in that its recipe or its core comes from, and never loads it by
itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ostinato.cores.table import CORES
from ostinato.errors import ConfigError

GROUP = "ostinato.families"
_FILES: list[str] = []
_OWNERS: dict[str, dict[str, Any]] = {}  # of recipes and cores, by their names


def plugin_of(recipe: str, core: object = None) -> dict[str, Any] | None:
    """Return the name and SHA-256 of the plug-in that a recipe, or a core, comes from; ``None``: of ostinato itself."""
    return _OWNERS.get(recipe) or _OWNERS.get(_core(core))


def _core(name: object) -> str:
    """Return the name of a core in the table of owners, where recipes are too."""
    return f"core {name}"


def loaded_files() -> list[str]:
    """Return the files that were loaded, as they were named."""
    return list(_FILES)


def load_plugin(path: str | Path) -> None:
    """Run a file that registers recipes. It can do whatever its author wanted: load only what you trust.

    Raises:
        ConfigError: It is missing, ends in an error, or registers nothing.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError(
            f"there is no plug-in {str(path)!r}; it is a Python file that calls ostinato.families.register"
        )
    spec = importlib.util.spec_from_file_location(f"ostinato_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"the plug-in {path} is no Python file: its name ends in .py")
    module, loader = importlib.util.module_from_spec(spec), spec.loader

    def run() -> None:
        sys.modules[spec.name] = module  # where its dataclasses look for their module
        loader.exec_module(module)

    _register(str(path), file.read_bytes(), run)
    _FILES.append(str(path))


@cache
def load_installed() -> None:
    """Load the plug-ins of installed packages, once.

    Raises:
        ConfigError: One ends in an error, or registers nothing.
    """
    for point in entry_points(group=GROUP):
        spec = importlib.util.find_spec(point.module)
        source = b"" if spec is None or spec.origin is None else Path(spec.origin).read_bytes()
        _register(point.value, source, point.load)


def _register(name: str, source: bytes, run: Callable[[], object]) -> None:
    from ostinato.families import RECIPES

    before = {*RECIPES, *map(_core, CORES)}
    try:
        run()
    except Exception as error:  # whatever somebody else's code raises
        raise ConfigError(f"the plug-in {name} cannot be loaded: {type(error).__name__}: {error}") from error
    if not (new := {*RECIPES, *map(_core, CORES)} - before):
        raise ConfigError(
            f"the plug-in {name} registers no recipe and no core: it has to call ostinato.families.register(RECIPE) or "
            "ostinato.cores.table.register_core"
        )
    digest = hashlib.sha256(source).hexdigest()
    _OWNERS.update({one: {"name": Path(name).name, "sha256": digest} for one in new})
