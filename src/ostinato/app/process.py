"""What is set once for the whole process: warnings, threads, and what Ctrl-C does."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ostinato.errors import ConfigError


def ignore_known_warnings() -> None:
    """Leave out what PyTorch says of no use to a user: cuDNN copies our weights into one buffer, which costs little."""
    warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


def set_threads(count: int | None) -> None:
    """Set how many processor threads PyTorch uses; ``None`` leaves its choice.

    Raises:
        ConfigError: The count is under 1.
    """
    if count is None:
        return
    if count < 1:
        raise ConfigError(f"--threads must be at least 1, got {count}")
    import torch

    torch.set_num_threads(count)


class Interruption:
    """Whether the user asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Note the first Ctrl-C; a second one stops at once."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def between_steps() -> Iterator[Interruption]:
    """Hold Ctrl-C (and a polite kill) back until the work at hand is whole."""
    interruption = Interruption()
    before = {number: signal.signal(number, interruption.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
