"""What is set once for the whole process: warnings, threads, precision, and what Ctrl-C does; and loading a model."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from ostinato.config import at_least

if TYPE_CHECKING:
    from ostinato.training.ranks import Ranks
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


@contextmanager
def joined(args: Namespace) -> Iterator[Ranks]:
    """Join the processes that torchrun started, if it started this one; set threads as ``prepare_torch`` does."""
    prepare_torch(args.threads)
    from ostinato.training.ranks import Alone, Together

    count = number_of_processes()
    if count == 1:
        yield Alone()
        return
    ranks = Together(int(os.environ["RANK"]), count, _device_of_ranks(args.device))
    try:
        yield ranks
    finally:
        ranks.close()


def number_of_processes() -> int:
    """Return how many processes torchrun started, or 1."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the first of those that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def console_of(ranks: Ranks, *, to_stderr: bool) -> Console:
    """Return where to show things: of several processes only the first one speaks."""
    return Console(stderr=to_stderr) if ranks.is_first else Console(quiet=True)


def _device_of_ranks(name: str | None) -> str | None:
    """The GPU of this process, by its number on this machine; ``None`` where the CPU is to be used."""
    from ostinato.workshop.device import choose_device

    chosen = choose_device(name or "auto")
    return f"cuda:{os.environ['LOCAL_RANK']}" if chosen == "cuda" else None


@contextmanager
def between_steps(ask: Callable[[], None]) -> Iterator[None]:
    """Turn Ctrl-C (and a polite kill) into asking the work at hand to stop; a second Ctrl-C stops at once."""
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True
        ask()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
