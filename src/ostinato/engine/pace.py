"""How many steps a call is worth: few at first, so that something is seen at once, then as many as take a moment."""

from __future__ import annotations

_MOMENT = 0.03  # seconds
_MOST = 8192


class Pace:
    """Steps for about a moment, by what the last ones took.

    Attributes:
        steps: How many the next call is to take.
    """

    def __init__(self) -> None:
        self.steps = 1

    def note(self, steps: int, seconds: float) -> None:
        """Tell that so many steps took so long."""
        fitting = int(_MOMENT * steps / max(seconds, 1e-9))
        self.steps = max(1, min(2 * max(steps, 1), fitting, _MOST))
