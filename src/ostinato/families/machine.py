"""The machine that a trained model runs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ostinato.engine.kernels import Compiling

#: What runs a model: ``"auto"`` is compiled code where it can do what is asked, else PyTorch.
EngineName: TypeAlias = Literal["auto", "compiled", "torch"]
ENGINES: tuple[EngineName, ...] = ("auto", "compiled", "torch")


@dataclass(frozen=True)
class Machine:
    """The machine that a trained model runs on.

    Attributes:
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"``.
        threads: Most processor threads of compiled code; ``None``: as many as there are cores.
        compiling: Called with what is about to be compiled.
        prepare: Called before PyTorch is used.
    """

    device: str = "cpu"
    threads: int | None = None
    compiling: Compiling | None = None
    prepare: Callable[[], None] | None = None

    def torch_device(self) -> str:
        """Return the device, ``"auto"`` resolved; the CPU is there without asking PyTorch.

        Raises:
            ConfigError: The device is not there.
        """
        if self.device == "cpu":
            return self.device
        if self.prepare is not None:
            self.prepare()
        from ostinato.training.device import choose_device

        return choose_device(self.device)

    def with_torch(self) -> str:
        """Prepare PyTorch, and return the device: for models that always run by it.

        Raises:
            ConfigError: The device is not there.
        """
        if self.device == "cpu" and self.prepare is not None:
            self.prepare()
        return self.torch_device()
