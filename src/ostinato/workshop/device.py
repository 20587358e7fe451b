"""Devices: which one to use, and which precision is faster on it. Found by trial, not by name."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch

from ostinato.engine.cpu import multiplies_bfloat16
from ostinato.errors import ConfigError
from ostinato.training.ranks import Ranks

Precision: TypeAlias = Literal["float32", "bfloat16"]

_WARM, _TIMED = 2, 5
_GAIN = 1.1  # bfloat16 has to be faster by this to be worth its rounding


def choose_device(name: str, ranks: Ranks | None = None) -> str:
    """Return the device called ``name``; ``"auto"`` takes CUDA or MPS when there, else the CPU.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        ranks: The processes that train together; each gets a CUDA device of its own.

    Raises:
        ConfigError: The device is not there.
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


def faster_precision(step: Callable[[Precision], None], device: str) -> tuple[Precision, float]:
    """Run a training step in both precisions and return the faster one with its seconds per step."""
    float32 = seconds_per_step(lambda: step("float32"), device)
    if device == "cpu" and not multiplies_bfloat16():  # trying it would take longer than much of a short budget
        return "float32", float32
    try:
        bfloat16 = seconds_per_step(lambda: step("bfloat16"), device)
    except RuntimeError:  # oneDNN has no fused kernel in bfloat16 for processors without AVX-512
        return "float32", float32
    return ("bfloat16", bfloat16) if bfloat16 * _GAIN < float32 else ("float32", float32)


def seconds_per_step(step: Callable[[], None], device: str) -> float:
    """Return the median time of a step, after two that warm up."""
    times = []
    for number in range(_WARM + _TIMED):
        before = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if number >= _WARM:
            times.append(time.perf_counter() - before)
    return statistics.median(times)
