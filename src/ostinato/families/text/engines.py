"""Choice of the engine that writes texts: compiled code where it can, else PyTorch. No PyTorch here."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from ostinato.config import one_of, raise_problems
from ostinato.decode.compiled import not_compiled
from ostinato.decode.pipeline import RuleSettings, spelled
from ostinato.decode.searching import SearchSettings
from ostinato.engine.clamps import Clamps
from ostinato.engine.engine import Engine
from ostinato.engine.kernels import Compiling
from ostinato.engine.packing import PRECISIONS, Precision, can_pack, pack
from ostinato.errors import ConfigError, EngineError
from ostinato.families.machine import ENGINES
from ostinato.families.text.members import Member

#: Precision of compiled code unless another is asked for: it is for writing, not for measuring.
USUAL_PRECISION: Precision = "int8"


class Engines:
    """A model's compiled engines, packed when they are first needed.

    Args:
        members: The saved models that write together; compiled code runs one alone.
        device: Device to run on; compiled code runs on the CPU only.
        threads: Most threads; ``None``: one for each core.
        folder: Folder where compiled code is kept.
        compiling: Called with what is about to be compiled, or why it cannot be.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        device: str,
        threads: int | None,
        folder: Path,
        compiling: Compiling | None,
    ) -> None:
        self._members = members
        self._clamps: Clamps | None = None
        self._needs_torch, self._unheld = "", self
        self._device, self._threads, self._folder, self._compiling = device, threads, folder, compiling
        self._made: dict[Precision, Engine] = {}
        self._problem: EngineError | None = None  # why nothing can be compiled here, once that is known

    def held(self, clamps: Clamps, needs_torch: str = "") -> Engines:
        """Return engines in which units are held, and no others; they share the packed weights with these.

        Args:
            clamps: The units.
            needs_torch: Why only PyTorch can hold them; empty: compiled code can.
        """
        other = copy.copy(self)
        other._made, other._clamps, other._needs_torch = {}, clamps, needs_torch
        return other

    def choose(
        self, search: SearchSettings, rules: RuleSettings, engine: str = "auto", precision: str | None = None
    ) -> Engine | None:
        """Return the compiled engine to write with; ``None`` means PyTorch.

        Args:
            search: Settings of the search.
            rules: Settings of the rules.
            engine: ``"compiled"``, ``"torch"``, or ``"auto"``: compiled if that can do it.
            precision: ``"int8"`` or ``"fp32"``; ``None``: int8 in compiled code, fp32 in PyTorch.

        Raises:
            ConfigError: Compiled code, or its precision, is asked for and cannot do this.
            EngineError: Compiled code is asked for, and nothing can be compiled here.
        """
        raise_problems(
            [one_of("engine", engine, ENGINES), one_of("precision", precision or USUAL_PRECISION, PRECISIONS)]
        )
        reason = self.missing(search, rules)
        if engine == "torch":
            reason = "engine torch is asked for"
        elif engine == "compiled" and reason is not None:
            raise ConfigError(f"compiled code cannot do this: {reason}; use engine torch or auto")
        if reason is None:
            writer = self._ready(precision or USUAL_PRECISION, "sample" if search.beam is None else "search")
            if writer is not None:
                return writer
            assert self._problem is not None
            if engine == "compiled":
                raise self._problem
            reason = str(self._problem)
        if precision == "int8":
            raise ConfigError(f"precision int8 is for compiled code, and {reason}; use fp32")
        return None

    def missing(self, search: SearchSettings, rules: RuleSettings) -> str | None:
        """Return why compiled code cannot do this; ``None`` if it can."""
        if self._needs_torch:
            return self._needs_torch
        if not self.can_run:
            if len(self._members) > 1:
                return "it runs one model, not several together"
            if self._device != "cpu":
                return f"the device is {self._device}"
            return f"the core {self._members[0].settings.core!r} is not among those it has"
        names = not_compiled(search, rules)
        return f"only the reference search has {spelled(names)}" if names else None

    @property
    def can_run(self) -> bool:
        """Whether there is compiled code for this model."""
        is_able = len(self._members) == 1 and can_pack(self._members[0].settings.core)
        return is_able and self._device == "cpu" and not self._needs_torch

    @property
    def is_held(self) -> bool:
        """Whether units are held."""
        return self._clamps is not None

    def to_score(self) -> Engine | None:
        """Return the engine that scores short texts; ``None`` if PyTorch has to."""
        return self._ready("fp32") if self.can_run else None

    def _ready(self, precision: str, *names: str) -> Engine | None:
        """Return the engine with some kernels loaded; ``None`` if they cannot be compiled, which is reported once."""
        if self._problem is not None:
            return None
        try:
            engine = self.get(precision)  # type: ignore[arg-type]
            engine.prepare("read", *names)
            return engine
        except EngineError as error:
            self._problem = error
            if self._compiling is not None:
                self._compiling(f"{error}; PyTorch is used instead")
            return None

    def get(self, precision: Precision) -> Engine:
        """Return the engine of a precision."""
        if precision not in self._made:
            if self._clamps is not None:
                self._made[precision] = self._unheld.get(precision).held(self._clamps)
                return self._made[precision]
            (member,) = self._members
            settings = member.settings
            packed = pack(
                member.saved.weights,
                core=settings.core,
                layers=settings.layers,
                symbols=member.symbols,
                residual=settings.residual,
                tied=settings.tied,
                precision=precision,
            )
            self._made[precision] = Engine(
                packed, threads=self._threads, folder=self._folder, compiling=self._compiling
            )
        return self._made[precision]
