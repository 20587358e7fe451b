"""Inspection: a model while it reads one sequence, and the views that can be taken of it."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ostinato.errors import ConfigError
from ostinato.inspect.gating import saturation
from ostinato.inspect.looking import cells, gates, trajectory
from ostinato.inspect.page import in_notebook, page
from ostinato.inspect.projecting import project
from ostinato.inspect.recording import Recording
from ostinato.inspect.views import View

Look: TypeAlias = Callable[[Any, Mapping[str, Any]], View]
"""Takes a view: given the value of its option, and all options of the command."""

_GATE = "_gate"
_NAMING = {"find", "atlas", "gates"}  # views whose page leads to units


class Inspection(abc.ABC):
    """A model while it reads one sequence.

    Attributes:
        title: A title for its page.
        notes: Remarks to be shown beside the views.
        usual: The view that is taken where none is asked for.
        on_page: The views that its page has then.
    """

    usual: str = "cells"
    on_page: tuple[str, ...] = ("cells", "trajectory")
    title: str
    notes: tuple[str, ...] = ()

    @property
    @abc.abstractmethod
    def recording(self) -> Recording:
        """Every state of the network over the sequence."""

    @property
    def keeping(self) -> str:
        """Name of the gate by whose value a cell is multiplied from step to step; empty: there is none."""
        return ""

    def with_gates(self) -> Recording:
        """Return the recording with the gates.

        Raises:
            ConfigError: The network has none that can be recorded.
        """
        raise ConfigError("no gates can be recorded of this model")

    def layers_of_gates(self) -> tuple[str, ...]:
        """Return the names of the layers of ``with_gates``; empty: they are those of the recording, by number."""
        return ()

    def looks(self) -> dict[str, Look]:
        """Return every view that can be taken, by its name."""
        return {
            "cells": lambda units, _: self.cells(units or ""),
            "trajectory": lambda state, _: self.trajectory(state or ""),
            "gates": lambda _, __: self.gates(),
        }

    def look(self, name: str, value: Any = None, options: Mapping[str, Any] | None = None) -> View:
        """Take a view.

        Args:
            name: Its name.
            value: The value of its option.
            options: All options of the command, by name.

        Raises:
            ConfigError: The model has no such view.
        """
        looks = self.looks()
        if name not in looks:
            raise ConfigError(f"this model has no view {name!r}; it has {', '.join(looks)}")
        return looks[name](value, options or {})

    def cells(self, units: str = "") -> View:
        """Return the view of units, such as ``"1:37,cell:0:5"``; empty: of those that change most."""
        return cells(self.recording, units)

    def trajectory(self, state: str = "") -> View:
        """Return the view of the way of a layer's state, such as ``"cell:1"``; empty: the highest hidden layer.

        Raises:
            ConfigError: There is no such layer.
        """
        recording = self.recording
        part, _, layer = (state or f"hidden:{recording.layers - 1}").rpartition(":")
        part = part or "hidden"
        if part not in recording.parts or not layer.isdecimal() or int(layer) >= recording.layers:
            parts = ", ".join(recording.parts)
            raise ConfigError(
                f"{state!r} names no state; write LAYER, from 0 to {recording.layers - 1}, or PART:LAYER, with {parts}"
            )
        states = recording.arrays[part][:, int(layer)]
        return trajectory(recording, project(states, min(3, *states.shape)), f"{part} {layer}")

    def gates(self) -> View:
        """Return the view of how often gates are shut and open, and of how long units remember."""
        recording = self.with_gates()
        values = {part: recording.arrays[part][1:] for part in recording.parts if part.endswith(_GATE)}
        keeping = self.keeping if self.keeping in values else ""
        return gates(saturation(values, keeping, starts=recording.starts, layers=self.layers_of_gates()))

    def page(self, views: Sequence[View] = ()) -> str:
        """Return one page that needs nothing else, with a tab for each view; without any, with the usual ones."""
        return page(views or self._usual_views(), title=self.title)

    def beside(self, views: Sequence[View]) -> list[View]:
        """Return the views that a page has besides these: cells, where their units are named."""
        names = {view.name for view in views}
        return [self.look("cells")] if names & _NAMING and "cells" not in names else []

    def _usual_views(self) -> list[View]:
        return [self.look(name) for name in self.on_page]

    def _repr_html_(self) -> str:
        """Return it as it shows itself in a notebook."""
        return in_notebook(self._usual_views(), title=self.title)
