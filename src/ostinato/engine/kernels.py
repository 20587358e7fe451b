"""Compiled kernels: made once for a processor, kept on disk as machine code, called with one block of arguments."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from ostinato.disk.documents import write_whole
from ostinato.engine.cpu import describe_cpu
from ostinato.errors import EngineError

#: Called as soon as something has to be compiled, with what; a context that it returns is held until that is done.
Compiling = Callable[[str], AbstractContextManager[object] | None]
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

    A name is that of one of the engine's kernels, or ``MODULE:FUNCTION`` of a module elsewhere, such as a family's
    ``compiled.py``, which only then has to be imported when it is not kept yet. Such a function is ``compiled`` and
    takes a target and a block (``ostinato.engine.block.block_of``); besides the engine it uses code of its own file
    only, as that is what decides whether a kept kernel is still right.

    Args:
        instructions: Instructions they are compiled for (``ostinato.engine.cpu``).
        precision: Precision of the weights: one of those for generation, or ``"bf16"``, for training.
        folder: Folder where compiled ones are kept; ``None`` keeps none. A folder that cannot be written is ignored.
        compiling: Called before something is compiled, with its description.
    """

    def __init__(
        self, instructions: str, precision: str, folder: Path | None, compiling: Compiling | None = None
    ) -> None:
        self._kind = (instructions, precision)
        self._folder = None if folder is None else folder / "kernels"
        self._compiling = compiling

    def __getitem__(self, name: str) -> Kernel:
        """Return a kernel.

        Raises:
            EngineError: It cannot be compiled here.
        """
        with _LOCK:
            key = (*self._kind, name)
            if key not in _LOADED:
                _LOADED[key] = self._kept(name) or self._compiled_once(name)
            return _LOADED[key]

    def _kept(self, name: str) -> Kernel | None:
        """Return a kernel that was compiled before; ``None`` where there is none, or a damaged one."""
        kept = None if self._folder is None else _read(self._file(name))
        return None if kept is None else load_code(*kept)

    def _compiled_once(self, name: str) -> Kernel:
        """Compile a kernel, or wait for another process that is compiling it already and load its result."""
        if self._folder is None:
            return self._compiled(name)
        from filelock import FileLock  # imported only where something is compiled

        file = self._file(name)
        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError):  # a folder that may not be written: nobody else keeps anything there
                file.parent.mkdir(parents=True, exist_ok=True)
                held.enter_context(FileLock(file.with_suffix(".lock")))
            return self._kept(name) or self._compiled(name)

    def _compiled(self, name: str) -> Kernel:
        told = f"compiling {name!r} for {self._kind[0]} in {self._kind[1]}; once for this processor"
        shown = None if self._compiling is None else self._compiling(told)
        try:
            from ostinato.engine.compiled.building import build

            with shown or contextlib.nullcontext():
                symbol, code = build(name, *self._kind)
        except Exception as error:  # whatever Numba, or what it stands on, raises
            raise EngineError(f"{name!r} cannot be compiled here: {type(error).__name__}: {error}") from error
        if self._folder is not None:
            _keep(self._file(name), symbol, code)
        kernel = load_code(symbol, code)
        assert kernel is not None, f"{symbol} is not in what was compiled"
        return kernel

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        module, _, function = name.rpartition(":")
        return self._folder / code_digest(module) / f"{module}{'.' * bool(module)}{function}-{'-'.join(self._kind)}.o"


# Machine code that is loaded stays: what it is has no state, and threads may be in it.
_LOADED: dict[tuple[str, ...], Kernel] = {}
_LOCK = threading.RLock()


@cache
def code_digest(module: str = "") -> str:
    """Return a digest of all that compiled code depends on: source, compilers, processor.

    Args:
        module: Module of the code, if it is none of the engine's.

    Raises:
        EngineError: There is no such module.
    """
    digest = hashlib.sha256(describe_cpu().encode())
    for package in ("numba", "llvmlite", "numpy"):
        with contextlib.suppress(PackageNotFoundError):  # what is kept can be run without Numba
            digest.update(f"{package} {version(package)}".encode())
    for file in sorted(_HERE.rglob("*.py")):
        digest.update(file.relative_to(_HERE).as_posix().encode() + file.read_bytes())
    if module:
        try:
            spec = importlib.util.find_spec(module)
        except ImportError:  # of a package that it is said to lie in
            spec = None
        if spec is None or spec.origin is None:
            raise EngineError(f"there is no module {module!r} with code to compile")
        digest.update(module.encode() + Path(spec.origin).read_bytes())
    return digest.hexdigest()[:24]


def _read(file: Path) -> tuple[str, bytes] | None:
    """Return a kept kernel, symbol and code; ``None`` where there is none, or a damaged one."""
    try:
        head, _, code = file.read_bytes().partition(b"\n")
        told = json.loads(head)
        symbol = str(told["symbol"])
        return (symbol, code) if _digest(symbol, code) == told["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(file: Path, symbol: str, code: bytes) -> None:
    head = json.dumps({"symbol": symbol, "sha256": _digest(symbol, code)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, head.encode() + b"\n" + code)
    except OSError:  # a full disk, or a folder that may not be written: it is compiled again next time
        return


def _digest(symbol: str, code: bytes) -> str:
    return hashlib.sha256(symbol.encode() + b"\n" + code).hexdigest()


def load_code(symbol: str, code: bytes) -> Kernel | None:
    """Bring machine code into this process, and return the function of that name; ``None`` where there is none."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    return Kernel(address, engine) if address else None
