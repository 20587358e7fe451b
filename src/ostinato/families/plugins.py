"""Plug-ins: recipes, families, cores and codecs of a file, or of an installed package, that are no part of ostinato.

A plug-in is a module that calls ``ostinato.families.register``, ``ostinato.cores.table.register_core`` or
``ostinato.codecs.register_codec`` when it is imported. An installed package names it as an entry point of the group
``ostinato.families``; a file is named for one call. A run keeps the name and the digest of the plug-in that its recipe,
core or codec comes from, and never loads it by itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ostinato.codecs import codec_names
from ostinato.cores.table import CORES
from ostinato.errors import ConfigError

GROUP = "ostinato.families"
_FILES: list[str] = []
_OWNERS: dict[tuple[str, str], dict[str, Any]] = {}  # of recipes, cores and codecs, by their kinds and names


def plugin_of(recipe: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the name and SHA-256 of the plug-in that a recipe, or a core or codec in its settings, comes from.

    ``None``: all are part of ostinato.
    """
    return next((_OWNERS[part] for part in _parts(recipe, settings) if part in _OWNERS), None)


def unknown_part(recipe: str, settings: Mapping[str, Any]) -> str:
    """Return what of a run is not known, such as ``"core 'leaky'"``; empty: all is."""
    known = _known()
    return next((f"{kind} {name!r}" for kind, name in _parts(recipe, settings) if (kind, name) not in known), "")


def _parts(recipe: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [("recipe", recipe), *((kind, settings.get(kind)) for kind in ("core", "codec"))]
    return [(kind, name) for kind, name in named if isinstance(name, str)]


def _known() -> set[tuple[str, str]]:
    from ostinato.families import RECIPES

    tables: dict[str, Collection[str]] = {"recipe": RECIPES, "core": CORES, "codec": codec_names()}
    return {(kind, name) for kind, names in tables.items() for name in names}


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
    before = _known()
    try:
        run()
    except Exception as error:  # whatever somebody else's code raises
        raise ConfigError(f"the plug-in {name} cannot be loaded: {type(error).__name__}: {error}") from error
    if not (new := _known() - before):
        raise ConfigError(
            f"the plug-in {name} registers no recipe, core or codec: it has to call ostinato.families.register, "
            "ostinato.cores.table.register_core or ostinato.codecs.register_codec"
        )
    digest = hashlib.sha256(source).hexdigest()
    _OWNERS.update({part: {"name": Path(name).name, "sha256": digest} for part in new})
