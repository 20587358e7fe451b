"""What is set once for the whole process: warnings, threads, precision, and what Ctrl-C does; and loading a model."""

from __future__ import annotations

import signal
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from ostinato.config import at_least

if TYPE_CHECKING:
    from ostinato.workshop.model import Model


def ignore_known_warnings() -> None:
    """Leave out what PyTorch says of no use to a user: cuDNN copies our weights into one buffer, which costs little."""
    warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


def prepare_torch(threads: int | None) -> None:
    """Set how many processor threads PyTorch uses (``None`` leaves its choice), and that float32 means float32.

    Raises:
        ConfigError: The count is under 1.
    """
    if threads is not None:
        at_least("--threads", threads, 1)
    import torch

    torch.backends.cudnn.allow_tf32 = False  # scores of a GPU and of a CPU are to agree
    if threads is not None:
        torch.set_num_threads(threads)


def load_model(args: Namespace) -> Model:
    """Load the model that a command asks for, telling what was found damaged."""
    prepare_torch(args.threads)
    from ostinato.workshop.model import load

    model = load(args.run, device=args.device)
    for warning in model.saved.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return model


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
