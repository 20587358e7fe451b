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

# Job: addresses of the kernel, of omp_get_thread_num, of omp_get_num_threads and of GOMP_barrier; number of blocks;
# words of a block; rounds; then the blocks. There may be fewer threads than blocks: each of n takes every n-th.
_TEAM = """
define void @team(i64* %job) {
entry:
  %member = call i64 @told(i64* %job, i64 1)
  %size = call i64 @told(i64* %job, i64 2)
  %meet.place = getelementptr i64, i64* %job, i64 3
  %meet.address = load i64, i64* %meet.place
  %meet = inttoptr i64 %meet.address to void ()*
  %count.place = getelementptr i64, i64* %job, i64 4
  %count = load i64, i64* %count.place
  %words.place = getelementptr i64, i64* %job, i64 5
  %words = load i64, i64* %words.place
  %rounds.place = getelementptr i64, i64* %job, i64 6
  %rounds = load i64, i64* %rounds.place
  %address = load i64, i64* %job
  %kernel = inttoptr i64 %address to i32 (i64*, i64*, i64, i64, i64, i64, i64, i64, i64, i64)*
  %result = alloca i64
  %problem = alloca i64
  br label %begin
begin:
  %round = phi i64 [ 1, %entry ], [ %round.following, %met ]
  br label %next
next:
  %number = phi i64 [ %member, %begin ], [ %following, %work ]
  %is.one = icmp ult i64 %number, %count
  br i1 %is.one, label %work, label %done
work:
  %place = add i64 %number, 7
  %block.place = getelementptr i64, i64* %job, i64 %place
  %block = load i64, i64* %block.place
  %status = call i32 %kernel(i64* %result, i64* %problem, i64 0, i64 0, i64 0, i64 %words, i64 8, i64 %block,
                             i64 %words, i64 8)
  %following = add i64 %number, %size
  br label %next
done:
  %is.last = icmp uge i64 %round, %rounds
  br i1 %is.last, label %end, label %met
met:
  call void %meet()
  %round.following = add i64 %round, 1
  br label %begin
end:
  ret void
}

define internal i64 @told(i64* %job, i64 %number) {
  %place = getelementptr i64, i64* %job, i64 %number
  %address = load i64, i64* %place
  %function = inttoptr i64 %address to i32 ()*
  %answer = call i32 %function()
  %wide = zext i32 %answer to i64
  ret i64 %wide
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
        asked = (loaded.omp_get_thread_num, loaded.omp_get_num_threads, loaded.GOMP_barrier)
        self._asked = [ctypes.cast(function, ctypes.c_void_p).value or 0 for function in asked]
        self._team, self._held = _team()

    def run(self, kernel: Kernel, blocks: Sequence[NDArray[np.int64]], rounds: int = 1) -> None:
        """Run a kernel with each block, together as far as there are threads, ``rounds`` times.

        All threads wait for each other between two rounds, and may not do so within one.
        """
        addresses = [block.ctypes.data for block in blocks]
        head = [kernel.address, *self._asked, len(blocks), len(blocks[0]), rounds]
        job = np.array([*head, *addresses], dtype=np.int64)
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
    """Return the address of the function that every thread runs, and the object that holds its machine code."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    code = machine.emit_object(llvm.parse_assembly(_TEAM))
    made = load_code("team", code)
    assert made is not None
    return made.address, made.engine
