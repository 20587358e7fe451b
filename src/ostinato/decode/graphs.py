"""One step of a network as a CUDA graph: recorded once for a number of rows, replayed without Python's overhead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ostinato.cores.state import map_state, tensors

Step: TypeAlias = Callable[[Tensor, Any], tuple[Tensor, Any]]
#: Records what a function does to tensors that stay where they are; returns what does it again.
Record: TypeAlias = Callable[[Callable[[], None]], Callable[[], None]]

_WARM = 3  # runs before the recording, which kernels may need to choose how they work


class GraphedStep:
    """A step that is recorded once for each number of rows in use, rounded up to a power of two.

    Args:
        step: ``step(symbols [R], state) -> (log_probs [R, V], state)``; rows must not depend on each other.
        record: Function that records the step; ``None``: ``record_cuda``.

    Source: the method is that of PyTorch's notes on CUDA graphs: static inputs and outputs, copies in and out.
    """

    def __init__(self, step: Step, record: Record | None = None) -> None:
        self._step, self._record = step, record_cuda if record is None else record
        self._recorded: dict[int, _Recorded] = {}

    def __call__(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take a step; arguments and results are those of ``step``."""
        size = 1 << (len(symbols) - 1).bit_length()
        if size not in self._recorded:
            self._recorded[size] = _Recorded(self._step, self._record, size, symbols, state)
        return self._recorded[size](symbols, state)


class _Recorded:
    """The recording for one number of rows."""

    def __init__(self, step: Step, record: Record, size: int, symbols: Tensor, state: Any) -> None:
        self._symbols = symbols.new_zeros(size)
        self._state = map_state(lambda leaf: leaf.new_zeros(size, *leaf.shape[1:]), state)
        self._result: tuple[Tensor, Any]

        def run() -> None:
            self._result = step(self._symbols, self._state)

        self._replay = record(run)

    def __call__(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        rows = len(symbols)
        self._symbols[:rows].copy_(symbols)
        for own, given in zip(tensors(self._state), tensors(state), strict=True):
            own[:rows].copy_(given)
        self._replay()
        log_probs, after = self._result
        # The next replay writes over what this one has put out.
        return log_probs[:rows].clone(), map_state(lambda leaf: leaf[:rows].clone(), after)


def record_cuda(run: Callable[[], None]) -> Callable[[], None]:
    """Record a function as a CUDA graph; return the function that replays it."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM):
            run()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    replay: Callable[[], None] = graph.replay
    return replay
