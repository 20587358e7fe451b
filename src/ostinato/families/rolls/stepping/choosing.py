"""Choice of what walks through rolls: compiled code where it can, else PyTorch. No PyTorch here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ostinato.config import one_of, raise_problems
from ostinato.disk.places import cache_folder
from ostinato.engine.packing import can_pack
from ostinato.errors import ConfigError, DamagedError, EngineError
from ostinato.families.machine import ENGINES, EngineName, Machine
from ostinato.families.rolls.settings import RollSettings
from ostinato.families.rolls.stepping.base import Stepper
from ostinato.families.rolls.stepping.by_engine import RollEngine, pack_rolls
from ostinato.runs import SavedModel

if TYPE_CHECKING:
    from ostinato.families.rolls.network import RollNetwork


class Steppers:
    """Maker of steppers through rolls, for a saved model.

    Args:
        saved: The saved model.
        settings: Its settings.
        notes: Number of notes N.
        machine: The machine.
        network: Gives the network in PyTorch.
    """

    def __init__(
        self,
        saved: SavedModel,
        settings: RollSettings,
        notes: int,
        machine: Machine,
        network: Callable[[], RollNetwork],
    ) -> None:
        self._saved, self._settings, self._notes = saved, settings, notes
        self._machine, self._network = machine, network
        self._engine: RollEngine | None = None
        self._problem: EngineError | None = None  # why nothing can be compiled here, once that is known

    def choose(self, rows: int, engine: EngineName = "auto") -> Stepper:
        """Return what writes or reads some rolls side by side.

        Args:
            rows: Number of rolls.
            engine: ``"compiled"``, ``"torch"``, or ``"auto"``: compiled code if it has this model.

        Raises:
            ConfigError: Compiled code is asked for, and does not have this model.
            DamagedError: Weights and settings do not fit each other.
            EngineError: Compiled code is asked for, and nothing can be compiled here.
        """
        raise_problems([one_of("engine", engine, ENGINES)])
        missing = self._missing()
        if engine == "compiled" and missing:
            raise ConfigError(f"compiled code does not have this model: {missing}; use engine torch or auto")
        if engine != "torch" and not missing and self._ready(raising=engine == "compiled"):
            assert self._engine is not None
            return self._engine.stepper(rows)
        from ostinato.families.rolls.stepping.by_torch import TorchStepper

        return TorchStepper(self._network(), rows)

    def _missing(self) -> str:
        """Return why compiled code does not have this model; empty if it does."""
        if not self._settings.head:
            return f"the likelihood is an {self._settings.bound}"
        if self._machine.device != "cpu" and self._machine.torch_device() != "cpu":
            return f"the device is {self._machine.device}"
        return "" if can_pack(self._settings.core) else f"the core {self._settings.core!r} is not among those it has"

    def _ready(self, *, raising: bool) -> bool:
        """Return whether compiled code is ready; why not is reported once."""
        if self._engine is None and self._problem is None:
            try:
                self._engine = self._compiled()
            except EngineError as error:
                self._problem = error
                if self._machine.compiling is not None and not raising:
                    self._machine.compiling(f"{error}; PyTorch is used instead")
        if self._problem is not None and raising:
            raise self._problem
        return self._engine is not None

    def _compiled(self) -> RollEngine:
        settings = self._settings
        try:
            packed = pack_rolls(
                self._saved.weights, head=settings.head, core=settings.core, layers=settings.layers, notes=self._notes
            )
        except (KeyError, ValueError, IndexError) as error:
            raise DamagedError(f"{self._saved.path} is damaged: weights and settings do not fit: {error}") from error
        return RollEngine(packed, cache_folder(), self._machine.compiling)
