"""Kernels on the threads that PyTorch has already: those of its OpenMP, which wait busily between its own products.

Threads of our own would have to share the cores with them. There is no documented way to run something on them but
to be compiled with OpenMP; so this is what a compiler makes of ``#pragma omp parallel``, in LLVM's language.

Source: GCC's libgomp manual, "Implementing PARALLEL construct".
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from ostinato.engine.kernels import Kernel, load_code

# Job: address of the kernel, address of omp_get_thread_num, number of blocks, words of a block; then the blocks.
_TEAM = """
define void @team(i64* %job) {
  %who.place = getelementptr i64, i64* %job, i64 1
  %who.address = load i64, i64* %who.place
  %who = inttoptr i64 %who.address to i32 ()*
  %member.32 = call i32 %who()
  %member = zext i32 %member.32 to i64
  %count.place = getelementptr i64, i64* %job, i64 2
  %count = load i64, i64* %count.place
  %takes.part = icmp ult i64 %member, %count
  br i1 %takes.part, label %work, label %end
work:
  %size.place = getelementptr i64, i64* %job, i64 3
  %size = load i64, i64* %size.place
  %number = add i64 %member, 4
  %block.place = getelementptr i64, i64* %job, i64 %number
  %block = load i64, i64* %block.place
  %address = load i64, i64* %job
  %kernel = inttoptr i64 %address to i32 (i64*, i64*, i64, i64, i64, i64, i64, i64, i64, i64)*
  %result = alloca i64
  %problem = alloca i64
  %status = call i32 %kernel(i64* %result, i64* %problem, i64 0, i64 0, i64 0, i64 %size, i64 8, i64 %block,
                             i64 %size, i64 8)
  br label %end
end:
  ret void
}
"""


class OpenMP:
    """The threads of an OpenMP library.

    Args:
        library: The file that PyTorch has loaded.
    """

    def __init__(self, library: Path) -> None:
        loaded = ctypes.CDLL(str(library))
        self._parallel = loaded.GOMP_parallel
        self._who = ctypes.cast(loaded.omp_get_thread_num, ctypes.c_void_p).value or 0
        self._team, self._held = _team()

    def run(self, kernel: Kernel, blocks: Sequence[NDArray[np.int64]]) -> None:
        """Run a kernel with each block at the same time, each on a thread."""
        addresses = [block.ctypes.data for block in blocks]
        job = np.array([kernel.address, self._who, len(blocks), len(blocks[0]), *addresses], dtype=np.int64)
        self._parallel(ctypes.c_void_p(self._team), ctypes.c_void_p(job.ctypes.data), len(blocks), 0)


@cache
def find_openmp(folder: Path) -> OpenMP | None:
    """Return the OpenMP that lies in a folder of libraries; ``None`` where there is none of this kind."""
    for library in sorted(folder.glob("libgomp*.so*")):
        try:
            return OpenMP(library)
        except (OSError, AttributeError):
            continue
    return None


@cache
def _team() -> tuple[int, Any]:
    """The address of what every thread runs, and what holds its machine code."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    code = machine.emit_object(llvm.parse_assembly(_TEAM))
    made = load_code("team", code)
    assert made is not None
    return made.address, made.engine
