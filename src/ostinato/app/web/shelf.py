"""The models of a server: named, never by path; loaded when they are asked for, few at a time."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ostinato.errors import ConfigError, OstinatoError, unknown_name
from ostinato.families import find_recipe
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
        again: Loads it once more.
    """

    model: Any
    again: Callable[[], Any]
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def aside(self) -> Held:
        """The model once more, for work that takes long, so that what is quick does not wait for it."""
        return Held(self.again(), self.again)

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
        told = []
        for name, path in self.places().items():
            try:
                about = read_about(path)
                family = find_recipe(about["recipe"]).family
            except (OstinatoError, OSError, KeyError):
                continue
            told.append({
                "id": name, "object": "model", "created": int(path.stat().st_mtime), "owned_by": "ostinato",
                "recipe": about["recipe"], "family": family.name, "verbs": list(family.verbs),
            })  # fmt: skip
        return told

    def describe_one(self, name: str) -> dict[str, Any]:
        """Return what there is to know of one model, which is loaded for it.

        Raises:
            ConfigError: There is none of this name.
            RunError: It is damaged.
        """
        held, (told,) = self.get(name), [one for one in self.describe() if one["id"] == name]
        family, path = held.model.recipe.family, self.place(name)
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
            if path not in self._held:
                again = partial(load, path, threads=self._threads)
                self._held[path] = Held(again(), again)
                while len(self._held) > _HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(path)
            return self._held[path]


def _steps(path: Path) -> list[int]:
    """Return the steps of training whose weights a run kept."""
    series = Series.in_run(path) if path.is_dir() else None
    return [] if series is None else series.steps


def _is_model(path: Path) -> bool:
    return (path / "config.json").is_file() or path.suffix == ".safetensors"
