"""Settings of the whole process (warnings, threads, precision, Ctrl-C), and loading a model."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from ostinato.app.terminal.output import shown
from ostinato.app.terminal.working import show_compiling
from ostinato.codecs import Changes
from ostinato.engine.cpu import cores_here, free_cores
from ostinato.engine.threads import check_threads
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.app.terminal.console import Console
    from ostinato.training.ranks import Ranks


_HALF_A_CORE = 0.5  # less than that in use by others is no reason for fewer threads
_MMAP_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -4, -3, -1  # options of mallopt, malloc.h of the GNU C library


def ignore_known_warnings() -> None:
    """Silence PyTorch's warning of RNN weights that are not contiguous; the copy it warns of is cheap."""
    warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


def prepare_torch(threads: int | None) -> None:
    """Set how many processor threads PyTorch uses (``None`` leaves its choice), and that float32 means float32.

    Raises:
        ConfigError: The count is under 1.
    """
    if threads is not None:
        check_threads(threads)
    keep_freed_memory()
    import torch

    torch.backends.cudnn.allow_tf32 = False  # scores of a GPU and of a CPU are to agree
    if threads is not None:
        torch.set_num_threads(threads)


def threads_to_measure(given: int | None) -> int | None:
    """Return the number of threads that PyTorch measures with: one, where another program keeps a core busy.

    Two threads would wait for each other at every product, which can take ten times as long as one thread.
    """
    return given if given is not None or free_cores() >= cores_here() - _HALF_A_CORE else 1


def keep_freed_memory(of_any_size: bool = False) -> None:
    """Let the process keep memory that it has freed, where the system's library can be told so.

    A training step frees and takes some hundred megabytes. Each time the system would give them out anew, and clear
    them first, which is up to a sixth of a step.

    Args:
        of_any_size: Also pieces over 32 MiB, which the library would never keep else.
    """
    try:
        library = ctypes.CDLL(None)
        pieces = (_MMAP_MAX, 0) if of_any_size else (_MMAP_THRESHOLD, 2**25)
        for option, size in (pieces, (_TRIM_THRESHOLD, 2**31 - 1)):
            library.mallopt(option, size)
    except (AttributeError, OSError, TypeError):  # not the library of GNU
        return


def load_model(args: Namespace) -> Any:
    """Load the model that a command asks for, telling what was found damaged, and when something is compiled.

    Raises:
        ConfigError: It has no such verb.
    """
    if args.threads is not None:
        check_threads(args.threads)
    from ostinato.workshop.holding import load

    model = load(
        vars(args).get("model_file") or args.run,
        *vars(args).get("others", ()),
        device=args.device,
        threads=args.threads,
        compiling=show_compiling,
        prepare=lambda: prepare_torch(threads_to_measure(args.threads)),
    )
    model.check_verb(args.command)
    for warning in itertools.chain.from_iterable(saved.warnings for saved in model.all_saved):
        print(f"warning: {shown(warning)}", file=sys.stderr)
    args.codec = model.codec
    return model


def print_changes(args: Namespace) -> None:
    """Say how many unknown symbols ``--unknown`` replaced or left out, if any."""
    changes = Changes() if args.codec is None else args.codec.changes
    if not changes.changed:
        return
    what = "left out" if args.unknown == "skip" else "replaced by the nearest known ones, or left out"
    print(
        f"--unknown {args.unknown}: {changes.changed:,} of {changes.symbols:,} symbols are unknown to the model and "
        f"were {what} ({changes.changed / changes.symbols:.1%})",
        file=sys.stderr,
    )


@contextmanager
def with_processes(args: Namespace, device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started, if it started this one; set threads as ``prepare_torch`` does.

    Args:
        args: The command's arguments.
        device: Where to train, by name.

    Raises:
        ConfigError: There is no device of that kind for each process.
        LostRankError: The others cannot be reached.
    """
    prepare_torch(args.threads)
    from ostinato.training.ranks import Alone, Together

    count = number_of_processes()
    if count == 1:
        yield Alone()
        return
    gpu = _gpu_of_rank(device)
    with _time_to_say_why():
        ranks = Together(int(os.environ["RANK"]), count, gpu)
    try:
        with _time_to_say_why():
            yield ranks
    finally:
        ranks.close()


@contextmanager
def _time_to_say_why() -> Iterator[None]:
    """Let nothing but a real kill end this process once it knows that it cannot go on.

    ``torchrun`` ends all processes politely as soon as one is gone, which may be before the others have said why.
    """
    try:
        yield
    except Exception:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise


def number_of_processes() -> int:
    """Return how many processes torchrun started, or 1."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys() else 1


def console_of(ranks: Ranks, *, to_stderr: bool) -> Console:
    """Return where to show things: of several processes only the first one speaks."""
    from ostinato.app.terminal.console import Console  # not needed for --help

    return Console(stderr=to_stderr) if ranks.is_first else Console(quiet=True)


def _gpu_of_rank(name: str) -> str | None:
    """The GPU of this process, by its number on this machine; ``None`` where the CPU is to be used."""
    import torch

    from ostinato.training.device import choose_device

    chosen = choose_device(name)
    if chosen == "cpu":
        return None
    place, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if not chosen.startswith("cuda") or place >= there:
        raise ConfigError(
            f"process {place + 1} of this machine has no GPU of its own: there are {there} for NCCL. Start as many "
            "processes as there are, or give --device cpu"
        )
    return f"cuda:{place}"


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
