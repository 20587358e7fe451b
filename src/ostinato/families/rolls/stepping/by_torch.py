"""Walking through rolls by PyTorch: the definition that compiled code has to agree with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.cores.state import select_rows
from ostinato.families.rolls.heads.base import ExactHead
from ostinato.families.rolls.network import RollNetwork
from ostinato.families.rolls.stepping.base import Step, Stepper
from ostinato.music.rolls import Frames


class TorchStepper(Stepper):
    """R rolls that a network writes side by side.

    Args:
        network: The network.
        rows: Number of rolls R.
    """

    def __init__(self, network: RollNetwork, rows: int) -> None:
        self._network = network
        self.notes, self.draws = network.notes, network.head.draws
        self.decides_by_note = isinstance(network.head, ExactHead)
        self._state: Any = network.initial_state(rows)
        self._frame = torch.zeros(rows, network.notes, device=network.device)
        self._generator = torch.Generator().manual_seed(1)

    def step(
        self,
        uniform: NDArray[np.float32],
        known: NDArray[np.int8] | None = None,
        temperature: float = 1.0,
        *,
        expects: bool = False,
    ) -> Step:
        head = self._network.head
        with torch.inference_mode(), one_thread():
            y, self._state = self._network.step(self._frame, self._state)
            drawn = torch.from_numpy(uniform).to(y.device)
            if known is None or not isinstance(head, ExactHead):
                assert known is None, "this head draws all notes at once"
                frames, logs = head.sample(y, drawn, temperature), y.new_zeros(len(y))
            else:
                frames, logs = head.sample_given(y, drawn, torch.from_numpy(known).to(y.device), temperature)
            self._frame = frames
            probabilities = None
            if expects:
                probabilities = head.conditionals(y, frames, self._generator).double().cpu().numpy()
        return Step(frames.cpu().numpy().astype(np.uint8), logs.double().cpu().numpy(), probabilities)

    def select(self, rows: NDArray[np.int64]) -> None:
        chosen = torch.from_numpy(rows).to(self._frame.device)
        self._frame, self._state = self._frame[chosen], select_rows(self._state, chosen)

    def mark(self) -> Any:
        return self._frame, self._state

    def back(self, mark: Any) -> None:
        self._frame, self._state = mark

    def put(self, frame: Frames) -> None:
        with torch.inference_mode(), one_thread():
            _, self._state = self._network.step(self._frame, self._state)
        given = torch.from_numpy(frame).to(self._frame)
        self._frame = given.expand(len(self._frame), -1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch use one thread until a ``with`` block ends: of steps so small, a second one only waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
