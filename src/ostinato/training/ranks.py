"""Processes that train one model together: who takes which rows, who decides, and how gradients are added up."""

from __future__ import annotations

import abc
import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from ostinato.batch import Batch
from ostinato.errors import ConfigError, LostRankError, ToldElsewhereError

T = TypeVar("T")

_PLACE = re.compile(r"^\[\S*:\d+\] ")  # in PyTorch's source, at the beginning of its messages
_PATIENCE = datetime.timedelta(hours=2)  # for what the first rank does alone, such as encoding a large corpus


class Ranks(abc.ABC):
    """The processes that train together.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
        asked: Whether this process was asked to stop.
        stopping: Whether all stop after this training step, because one of them was asked to.
        device: This process's own GPU, such as ``"cuda:1"``; ``None``: it may choose.
    """

    def __init__(self, rank: int, count: int, device: str | None = None) -> None:
        self.rank, self.count, self.device = rank, count, device
        self.asked = self.stopping = False

    @abc.abstractmethod
    def add_gradients(self, parameters: Sequence[Tensor], loss: Tensor) -> float:
        """Give each parameter the sum of its gradients in all processes; return the sum of their losses."""

    @abc.abstractmethod
    def total(self, *numbers: float) -> list[float]:
        """Return the sum of each number over all processes."""

    @abc.abstractmethod
    def gather(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return the rows of all processes, in order; ``part`` [rows, …] has this one's."""

    @abc.abstractmethod
    def decide(self, make: Callable[[], T]) -> T:
        """Return in all processes the result of ``make``, which only the first one calls.

        Raises:
            ToldElsewhereError: In the others, when ``make`` raised an error in the first one.
        """

    @property
    def is_first(self) -> bool:
        """Whether this process decides, writes and speaks."""
        return self.rank == 0

    def rows(self, total: int) -> slice:
        """Return this process's slice of ``total`` global rows; shares differ by one row at most."""
        return slice(total * self.rank // self.count, total * (self.rank + 1) // self.count)

    def part(self, batch: Batch) -> Batch:
        """Return this process's rows of a global batch."""
        return batch.part(self.rows(batch.rows))

    def check_rows(self, rows: int) -> None:
        """Check that there is a row for each process.

        Raises:
            ConfigError: There are fewer rows than processes.
        """
        if rows < self.count:
            raise ConfigError(
                f"batches of {rows} rows cannot be divided among {self.count} processes; "
                f"--set batch_size={self.count} or more, give more items, or start fewer processes"
            )


class Alone(Ranks):
    """One process: all rows are its own, and every decision."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def add_gradients(self, parameters: Sequence[Tensor], loss: Tensor) -> float:
        self.stopping = self.asked
        return loss.item()

    def total(self, *numbers: float) -> list[float]:
        return list(numbers)

    def gather(self, part: NDArray[Any]) -> NDArray[Any]:
        return part

    def decide(self, make: Callable[[], T]) -> T:
        return make()


class Together(Ranks):
    """The processes that ``torchrun`` started, joined by gloo (CPUs) or NCCL (GPUs).

    Gradients are those of the mean over the global batch: each process divides its sum by the global
    count of symbols, so ranks with fewer real places weigh less, and the sums are all-reduced.

    Args:
        rank: Number of this process.
        count: Number of processes.
        device: This process's own GPU, where gradients are; ``None`` for the CPU.

    Raises:
        LostRankError: The others cannot be reached.
    """

    def __init__(self, rank: int, count: int, device: str | None = None) -> None:
        super().__init__(rank, count, device)
        if device is not None:
            torch.cuda.set_device(device)
        with _explaining_lost_connection():
            dist.init_process_group("gloo" if device is None else "nccl", timeout=_PATIENCE)
            # Decisions and sums of plain numbers always go through the CPU.
            self._plain = dist.new_group(backend="gloo", timeout=_PATIENCE)

    def add_gradients(self, parameters: Sequence[Tensor], loss: Tensor) -> float:
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        extra = torch.stack([loss.detach().float(), torch.full_like(loss, float(self.asked), dtype=torch.float32)])
        flat = torch.cat([*(p.grad.reshape(-1) for p in trained if p.grad is not None), extra])
        with _explaining_lost_connection():
            dist.all_reduce(flat)
        parts = torch.split(flat, [*(parameter.numel() for parameter in trained), 1, 1])
        for parameter, part in zip(trained, parts, strict=False):
            parameter.grad = part.view_as(parameter)
        self.stopping = bool(parts[-1] > 0)
        return float(parts[-2])

    def total(self, *numbers: float) -> list[float]:
        sums = torch.tensor(numbers, dtype=torch.float64)
        with _explaining_lost_connection():
            dist.all_reduce(sums, group=self._plain)
        told: list[float] = sums.tolist()
        return told

    def gather(self, part: NDArray[Any]) -> NDArray[Any]:
        parts: list[Any] = [None] * self.count
        with _explaining_lost_connection():
            dist.all_gather_object(parts, part, group=self._plain)
        return np.concatenate(parts)

    def decide(self, make: Callable[[], T]) -> T:
        told: list[Any] = [None]
        if self.is_first:
            try:
                told = [(True, make())]
            except (Exception, KeyboardInterrupt):
                self._broadcast([(False, None)])
                raise
        self._broadcast(told)
        done, value = told[0]
        if not done:
            raise ToldElsewhereError("the first process could not go on, and says why")
        return value  # type: ignore[no-any-return]

    def close(self) -> None:
        """Leave the other processes."""
        dist.destroy_process_group()

    def _broadcast(self, told: list[Any]) -> None:
        with _explaining_lost_connection():
            dist.broadcast_object_list(told, src=0, group=self._plain)


@contextmanager
def _explaining_lost_connection() -> Iterator[None]:
    """Turn the error of a broken connection into one for the user."""
    try:
        yield
    except RuntimeError as error:  # what torch.distributed raises, whatever happened
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        why = _PLACE.sub("", first)
        raise LostRankError(f"another process of this training is gone, so it cannot go on ({why})") from error
