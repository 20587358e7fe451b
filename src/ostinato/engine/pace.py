"""How many steps a call is worth: few at first, so that something is seen at once, then as many as take a moment."""

from __future__ import annotations

import time

_MOMENT = 0.03  # seconds
_MOST = 8192


class Pace:
    """Twice as many steps each time, until a call takes a moment.

    Attributes:
        steps: How many the next call is to take.
    """

    def __init__(self) -> None:
        self.steps = 1
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        if time.monotonic() - self._began < _MOMENT:
            self.steps = min(2 * self.steps, _MOST)
