"""Compiled kernels: made once for a processor, kept on disk as machine code, called with one block of arguments."""

from __future__ import annotations

import ctypes
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from ostinato.disk.documents import write_whole
from ostinato.engine.cpu import describe_cpu

#: Called as soon as something has to be compiled, with what.
Compiling = Callable[[str], None]
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kernel:
    """A compiled function that takes a block; see ``ostinato.engine.block``."""

    address: int
    engine: Any  # holds the machine code

    def __call__(self, block: NDArray[np.int64]) -> None:
        """Run. Other threads of Python run meanwhile."""
        result, problem = ctypes.c_int64(), ctypes.c_int64()
        words = (0, 0, 0, block.size, block.itemsize, block.ctypes.data, block.size, block.itemsize)
        function = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * (len(words) + 2))(self.address)
        status = function(ctypes.addressof(result), ctypes.addressof(problem), *words)
        assert status == 0, f"a kernel ended with status {status}"


class Kernels:
    """The kernels of one kind, loaded when they are first asked for.

    Args:
        instructions: For which they are compiled (``ostinato.engine.cpu``).
        precision: Of the weights; besides those of generation ``"bf16"``, of training.
        folder: Where compiled ones are kept; ``None`` keeps none. One that cannot be written is done without.
        compiling: Told what is being compiled, before that begins.
    """

    def __init__(
        self, instructions: str, precision: str, folder: Path | None, compiling: Compiling | None = None
    ) -> None:
        self._kind = (instructions, precision)
        self._folder = None if folder is None else folder / "kernels" / code_digest()
        self._compiling = compiling

    def __getitem__(self, name: str) -> Kernel:
        with _LOCK:
            key = (*self._kind, name)
            if key not in _LOADED:
                _LOADED[key] = load_code(*self._compiled(name))
            return _LOADED[key]

    def _compiled(self, name: str) -> tuple[str, bytes]:
        """The symbol and the machine code of a kernel, from the disk or made now."""
        file = None if self._folder is None else self._folder / f"{name}-{'-'.join(self._kind)}.o"
        kept = None if file is None else _read(file)
        if kept is not None:
            return kept
        if self._compiling is not None:
            self._compiling(f"compiling {name!r} for {self._kind[0]} in {self._kind[1]}")
        from ostinato.engine.compiled.building import build

        symbol, code = build(name, *self._kind)
        if file is not None:
            _keep(file, symbol, code)
        return symbol, code


# Machine code that is loaded stays: what it is has no state, and threads may be in it.
_LOADED: dict[tuple[str, ...], Kernel] = {}
_LOCK = threading.RLock()


def code_digest() -> str:
    """Return a digest of all that decides what is compiled: our source, the compilers, the processor."""
    digest = hashlib.sha256(describe_cpu().encode())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(f"{package} {version(package)}".encode())
    for file in sorted(_HERE.rglob("*.py")):
        digest.update(file.relative_to(_HERE).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def _read(file: Path) -> tuple[str, bytes] | None:
    """A kept kernel; ``None`` where there is none, or a damaged one."""
    try:
        head, _, code = file.read_bytes().partition(b"\n")
        told = json.loads(head)
        if hashlib.sha256(code).hexdigest() != told["sha256"]:
            return None
        return str(told["symbol"]), code
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(file: Path, symbol: str, code: bytes) -> None:
    head = json.dumps({"symbol": symbol, "sha256": hashlib.sha256(code).hexdigest()})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, head.encode() + b"\n" + code)
    except OSError:  # a full disk, or a folder that may not be written: it is compiled again next time
        return


def load_code(symbol: str, code: bytes) -> Kernel:
    """Bring machine code into this process, and return the function of that name."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Kernel(engine.get_function_address(symbol), engine)
