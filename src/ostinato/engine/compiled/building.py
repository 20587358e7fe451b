"""Compilation of kernels, from Python to machine code."""

from __future__ import annotations

import importlib
from typing import Any

from numba import njit, types

from ostinato.engine.compiled.beam import search_beam
from ostinato.engine.compiled.counting import count, move_contexts
from ostinato.engine.compiled.multiplying import multiply
from ostinato.engine.compiled.options import OPTIONS
from ostinato.engine.compiled.reading import read
from ostinato.engine.compiled.sampling import sample
from ostinato.engine.compiled.scanning import lay_out, scan, scan_back
from ostinato.engine.compiled.target import Target

_KERNELS = {
    "count": count,
    "lay_out": lay_out,
    "move_contexts": move_contexts,
    "multiply": multiply,
    "read": read,
    "sample": sample,
    "scan": scan,
    "scan_back": scan_back,
    "search": search_beam,
}


def build(name: str, instructions: str, precision: str) -> tuple[str, bytes]:
    """Compile a kernel.

    Args:
        name: Name of one of the engine's kernels, or ``MODULE:FUNCTION``.
        instructions: Instructions to compile it for.
        precision: Precision of its weights.

    Returns:
        The name of its symbol, and an object file that needs nothing of Numba to run.
    """
    dispatcher = njit(**OPTIONS)(_function(name).py_func)
    signature = (Target(instructions, precision), types.Array(types.int64, 1, "C"))
    dispatcher.compile(signature)
    made = dispatcher.overloads[signature]
    return made.fndesc.llvm_func_name, made.library._get_compiled_object()


def _function(name: str) -> Any:
    module, _, function = name.rpartition(":")
    return vars(importlib.import_module(module))[function] if module else _KERNELS[name]
