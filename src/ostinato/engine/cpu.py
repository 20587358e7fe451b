"""This processor's instructions for integer products, and the choice among them."""

from __future__ import annotations

import os
import platform
import time
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm

from ostinato.errors import ConfigError

#: Best first; what each needs of the processor, by LLVM's names. All give the same bits.
INSTRUCTIONS = {
    "avx512-vnni": ("x86", ("avx512vnni", "avx512bw", "avx512vl")),
    "avx-vnni": ("x86", ("avxvnni", "avx2", "fma")),
    "avx2": ("x86", ("avx2", "fma")),
    "neon-dot": ("arm", ("dotprod",)),
    "portable": ("", ()),
}


def choose_instructions(asked: str | None = None) -> str:
    """Return the best instructions that this processor has, or those asked for.

    Args:
        asked: A name; ``None``: the one in OSTINATO_INSTRUCTIONS, or the best.

    Raises:
        ConfigError: There are none of this name, or this processor does not have them.
    """
    here = instructions_here()
    asked = asked or os.environ.get("OSTINATO_INSTRUCTIONS") or None
    if asked is None:
        return here[0]
    if asked not in here:
        raise ConfigError(f"the instructions {asked!r} are not to be had here; there are {', '.join(here)}")
    return asked


@cache
def instructions_here() -> tuple[str, ...]:
    """Return all instructions that this processor has, best first."""
    family, features = _family(), _features()
    return tuple(
        name for name, (of, needs) in INSTRUCTIONS.items() if of in ("", family) and all(map(features.get, needs))
    )


@cache
def describe_cpu() -> str:
    """Return a description that differs between processors that need different code."""
    on = ",".join(sorted(name for name, is_on in _features().items() if is_on))
    asked = [os.environ.get(f"NUMBA_CPU_{part}", "") for part in ("NAME", "FEATURES")]  # Numba's own, for another one
    return " ".join([llvm.get_process_triple(), llvm.get_host_cpu_name(), on, *asked])


@cache
def has_bfloat16() -> bool:
    """Return whether there are products of bfloat16, for the instructions that are used."""
    return multiplies_bfloat16() and choose_instructions() == "avx512-vnni"


@cache
def multiplies_bfloat16() -> bool:
    """Return whether this processor multiplies in bfloat16 at all; else PyTorch spells it out, which is slow."""
    return any(_features().get(name) for name in ("avx512bf16", "bf16"))  # of x86, and of Arm


def trains_fast() -> bool:
    """Return whether compiled scans keep up with PyTorch's kernels: measured with AVX-512 and with AVX2."""
    return choose_instructions().startswith("avx")


def cores_here() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))  # type: ignore[attr-defined,unused-ignore]
    except AttributeError:  # macOS and Windows have no such question
        return os.cpu_count() or 1


def free_cores(seconds: float = 0.1) -> float:
    """Return how many of the cores that this process may use nobody used for a moment; all, where no system tells.

    Args:
        seconds: The moment, in which this process waits.
    """
    before = _idle()
    if before is None:
        return float(cores_here())
    time.sleep(seconds)
    after = _idle()
    assert after is not None
    return sum(max(0.0, min(1.0, (after[n] - before[n]) / seconds)) for n in before if n in after)


def _idle() -> dict[int, float] | None:
    """Return the seconds that each core was idle since the start; ``None``: the system does not tell."""
    try:
        cores, tick = os.sched_getaffinity(0), os.sysconf("SC_CLK_TCK")  # type: ignore[attr-defined,unused-ignore]
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        rows = (line.split() for line in lines if line.startswith("cpu") and line[3:4].isdigit())
        idle = {int(row[0][3:]): (int(row[4]) + int(row[5])) / tick for row in rows}
    except (AttributeError, OSError, ValueError, IndexError):
        return None
    return {core: idle[core] for core in cores if core in idle} or None


def _family() -> str:
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return "x86"
    return "arm" if machine in ("arm64", "aarch64") else machine


@cache
def _features() -> dict[str, bool]:
    try:
        features = dict(llvm.get_host_cpu_features())
    except RuntimeError:  # LLVM cannot tell on every system
        features = {}
    if _family() == "arm" and platform.system() == "Darwin":
        features["dotprod"] = True  # every Arm processor of Apple's that runs macOS
    return features
