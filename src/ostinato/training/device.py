"""Devices: which one to use, in which precision, and how long a training step takes on it."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch

from ostinato.engine.cpu import has_bfloat16
from ostinato.errors import ConfigError
from ostinato.training.ranks import Ranks

Precision: TypeAlias = Literal["float32", "bfloat16"]

_WARM, _TIMED = 2, 5
_LONG = 3.0  # seconds of trial steps, after which the first one that is warm is enough
_COLD = 4.0  # how much longer than a warm step one may take before
#: Least width from which bfloat16 is clearly faster (``benchmarks/shapes.py``); cores that are not named never are.
_LEAST_WIDTH = {
    "capped-lstm": 192, "elman": 192, "elman-relu": 192, "gru": 192, "lstm": 192, "min-gru": 192, "min-lstm": 192,
    "norm-lstm": 256,
}  # fmt: skip


def choose_device(name: str, ranks: Ranks | None = None) -> str:
    """Return the device called ``name``; ``"auto"`` takes CUDA or MPS if available, else the CPU.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        ranks: The processes that train together; each gets a CUDA device of its own.

    Raises:
        ConfigError: The device is not available.
    """
    there = ["cpu"]
    if torch.cuda.is_available():
        there.append("cuda")
    if torch.backends.mps.is_available():
        there.append("mps")
    name = there[-1] if name == "auto" else name
    if name == "cuda" and ranks is not None and ranks.device is not None:
        return ranks.device
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:  # what PyTorch raises depends on how it was built
        raise ConfigError(f"device {name!r} is not there; this machine has: {', '.join(there)}") from error
    return name


def choose_precision(device: str, core: str, width: int) -> Precision:
    """Return the precision to train in: by processor and shape, so that the same command gives the same bytes.

    Args:
        device: Device, as PyTorch calls it.
        core: Name of the core.
        width: Width H of the core.
    """
    if device.startswith("cuda"):
        fast = torch.cuda.get_device_capability()[0] >= 8  # Ampere and newer multiply in bfloat16
    else:
        fast = device == "cpu" and has_bfloat16()
    return "bfloat16" if fast and width >= _LEAST_WIDTH.get(core, math.inf) else "float32"


@dataclass(frozen=True)
class StepTime:
    """Time that a training step takes.

    Attributes:
        seconds: Median wall time of a step.
        share: Share of that time in which the training thread had a core; below 1 where others want it too.
    """

    seconds: float
    share: float


def time_steps(step: Callable[[], None], device: str, too_long: float = math.inf) -> StepTime:
    """Time some steps after two warm-up steps; fewer if they are long.

    Args:
        step: Function that makes a step.
        device: Device, as PyTorch calls it.
        too_long: Seconds; a longer step ends the trial, a warm-up step only if it is over four times as long.
    """
    times: list[tuple[float, float]] = []  # wall time and time on a core of each step
    for number in range(_WARM + _TIMED):
        before = time.perf_counter(), time.thread_time()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append((time.perf_counter() - before[0], time.thread_time() - before[1]))
        seconds, is_warm = times[-1][0], number >= _WARM
        if seconds > (too_long if is_warm else _COLD * too_long):
            break
        if number and sum(wall for wall, _ in times) > _LONG:
            break
    counted = times[min(_WARM, len(times) - 1) :]
    wall = sum(one for one, _ in counted)
    share = sum(one for _, one in counted) / wall if wall > 0 else 1.0
    return StepTime(statistics.median(one for one, _ in counted), share)
