"""The models of a server: named, never by path; loaded when they are asked for, few at a time."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ostinato.errors import ConfigError, OstinatoError, unknown_name
from ostinato.families import Machine, find_recipe
from ostinato.runs import read_about
from ostinato.runs.arrays import arrays_digest
from ostinato.runs.series import Series
from ostinato.runs.shipped import SHIPPED
from ostinato.workshop.holding import load

_HELD = 4  # models in memory


@dataclass
class Held:
    """A loaded model, and the lock of whoever computes with it.

    Attributes:
        model: The model.
        stamp: Tells whether the weights on disk are still those.
        threads: Processor threads; ``None``: as many as are best.
    """

    model: Any
    stamp: int = 0
    threads: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def aside(self) -> Held:
        """The same weights once more, for work that takes long, so that what is quick does not wait for it."""
        first, *others = self.model.all_saved
        return Held(self.model.recipe.family.open(first, others, Machine(threads=self.threads)))

    @cached_property
    def digest(self) -> str:
        """A digest of its weights, by which a link knows it again."""
        whole = "".join(arrays_digest(saved.weights) for saved in self.model.all_saved)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


class Shelf:
    """The models that a server offers.

    Args:
        runs: Run folders and model files.
        folder: Folder whose runs are offered as well, those that come later too; ``None``: none.
        threads: Processor threads for each; ``None``: as many as are best.
    """

    def __init__(self, runs: Sequence[Path] = (), folder: Path | None = None, threads: int | None = None) -> None:
        self._runs, self._folder, self._threads = list(runs), folder, threads
        self._held: OrderedDict[Path, Held] = OrderedDict()
        self._loading: dict[Path, threading.Lock] = {}
        self._told: dict[Path, tuple[int, str]] = {}
        self._lock = threading.Lock()

    def places(self) -> dict[str, Path]:
        """Return the path of each model, by its name; links out of the folder are left out."""
        places_of_all = list(self._runs)
        if self._folder is not None and self._folder.is_dir():
            home = self._folder.resolve()
            inside = [path for path in sorted(self._folder.iterdir()) if path.resolve().parent == home]
            places_of_all += [path for path in inside if _is_model(path)]
        named = [(path.name, path) for path in places_of_all]
        named += SHIPPED.items() if self._folder is not None else ()
        places: dict[str, Path] = {}
        for own, path in named:
            name, number = own, 2
            while places.get(name, path) != path:
                name, number = f"{own}-{number}", number + 1
            places[name] = path
        return places

    def describe(self) -> list[dict[str, Any]]:
        """Return what there is, as ``/v1/models`` tells it; what cannot be read is left out."""
        every = [self._about(name, path) for name, path in self.places().items()]
        return [one for one in every if one is not None]

    def _about(self, name: str, path: Path) -> dict[str, Any] | None:
        """Return what ``/v1/models`` tells of a model; ``None``: it cannot be read. It is read anew if it changed."""
        try:
            stamp = _stamp(path)
            if self._told.get(path, (0, ""))[0] != stamp:
                recipe = read_about(path)["recipe"]
                find_recipe(recipe)
                self._told[path] = stamp, recipe
        except (OstinatoError, OSError, KeyError):
            return None
        recipe = self._told[path][1]
        family = find_recipe(recipe).family
        return {
            "id": name, "object": "model", "created": stamp // 10**9, "owned_by": "ostinato", "recipe": recipe,
            "family": family.name, "verbs": list(family.verbs),
        }  # fmt: skip

    def describe_one(self, name: str) -> dict[str, Any]:
        """Return what there is to know of one model, which is loaded for it.

        Raises:
            ConfigError: There is none of this name.
            RunError: It is damaged.
        """
        held, path = self.get(name), self.place(name)
        told, family = self._about(name, path) or {}, held.model.recipe.family
        is_hidden = path.is_absolute() or path in SHIPPED.values()
        options = {
            verb: [option.name for group in groups for option in group.options]
            for verb, groups in family.options.items()
        }
        return {
            **told, "typed": name if is_hidden else str(path), "digest": held.digest,
            "symbols": held.model.codec.symbols, "parameters": held.model.parameters,
            "takes_files": family.takes_files, "has_data": path.is_dir(), "labels": list(family.label_names()),
            "steps": _steps(path), "options": options,
        }  # fmt: skip

    def without_paths(self, message: str) -> str:
        """Return a message with the names of models in place of their paths, which are nobody's business."""
        for name, path in self.places().items():
            for one in (path.resolve(), path):
                message = message.replace(str(one), name) if len(one.parts) > 1 else message
        return message

    def first(self) -> str:
        """Return the name of the first model, for clients that name none.

        Raises:
            ConfigError: There is none.
        """
        for name in self.places():
            return name
        raise ConfigError("there is no model here")

    def place(self, name: str) -> Path:
        """Return the path of a model.

        Raises:
            ConfigError: There is none of this name.
        """
        places = self.places()
        if name not in places:
            raise unknown_name("model", name, places, where="the request")
        return places[name]

    def get(self, name: str) -> Held:
        """Return a model, loading it first if need be; the one that was not used for longest makes room.

        Raises:
            ConfigError: There is none of this name.
            RunError: It is damaged.
        """
        path = self.place(name)
        with self._lock:
            loading = self._loading.setdefault(path, threading.Lock())
        with loading:  # others may use the models that are there
            stamp = _stamp(path)
            held = self._held.get(path)
            if held is None or held.stamp != stamp:  # a run that is trained on has other weights
                held = Held(load(path, threads=self._threads), stamp, self._threads)
        with self._lock:
            self._held[path] = held
            self._held.move_to_end(path)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        return held


def _stamp(path: Path) -> int:
    """Return when the weights of a run or model file were written last, in nanoseconds; 0: there are none."""
    best = path / "best.json"
    return best.stat().st_mtime_ns if best.is_file() else path.stat().st_mtime_ns if path.exists() else 0


def _steps(path: Path) -> list[int]:
    """Return the steps of training whose weights a run kept."""
    series = Series.in_run(path) if path.is_dir() else None
    return [] if series is None else series.steps


def _is_model(path: Path) -> bool:
    return (path / "config.json").is_file() or path.suffix == ".safetensors"
