"""Numba's options for every function here: no exceptions, no allocation, no bounds checks, no fast-math."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])
# Without Numba's runtime a kernel is an object file that needs nothing of Numba to run.
OPTIONS = {
    "error_model": "numpy",
    "_nrt": False,
    "nogil": True,
    "boundscheck": False,
    "fastmath": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def compiled(function: F) -> F:
    """Compile a function where it is used."""
    done: F = njit(**OPTIONS)(function)
    return done


def instructions(function: Callable[..., Any]) -> Any:
    """Let a function write LLVM's instructions itself; it gets types first, and a literal's value with its type."""
    return intrinsic(prefer_literal=True)(function)


def inlined(function: F) -> F:
    """Put a short function's body where it is used."""
    done: F = njit(inline="always", **OPTIONS)(function)
    return done
