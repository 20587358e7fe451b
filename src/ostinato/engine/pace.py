"""The number of steps in a call: few at first, so that something is seen at once, then as many as take a moment."""

from __future__ import annotations

_MOMENT = 0.03  # seconds
_MOST, _FASTER = 8192, 4


class Pace:
    """Number of steps that take about a moment, by the time of the last ones.

    Attributes:
        steps: Number of steps of the next call.
    """

    def __init__(self) -> None:
        self.steps = 1

    def note(self, steps: int, seconds: float) -> None:
        """Note how long the last steps took, and set ``steps``."""
        fitting = int(_MOMENT * steps / max(seconds, 1e-9))
        self.steps = max(1, min(_FASTER * max(steps, 1), fitting, _MOST))
