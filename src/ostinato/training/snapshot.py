"""A run between two steps, as plain data and NumPy arrays: the content of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

Arrays: TypeAlias = dict[str, NDArray[Any]]


@dataclass
class Snapshot:
    """Everything that a run needs to go on as if nothing had happened.

    Attributes:
        weights: The parameters, by name.
        average: Their moving average, by name; empty without one.
        optimizer: ``exp_avg.NAME``, ``exp_avg_sq.NAME`` and ``step.NAME``.
        carried_state: The state of the stream's rows, by number; empty before the first step.
        plain: Step, stream position, plans, best and so on, as plain data.
    """

    weights: Arrays
    average: Arrays
    optimizer: Arrays
    carried_state: Arrays
    plain: dict[str, Any] = field(default_factory=dict)
