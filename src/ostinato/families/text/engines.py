"""What writes texts: compiled code where it can, else PyTorch. No PyTorch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from ostinato.config import one_of, raise_problems
from ostinato.decode.compiled import not_compiled
from ostinato.decode.pipeline import RuleSettings, spelled
from ostinato.decode.searching import SearchSettings
from ostinato.engine.engine import Engine
from ostinato.engine.packing import PRECISIONS, Precision, can_pack, pack
from ostinato.errors import ConfigError, EngineError
from ostinato.families.text.members import Member

EngineName: TypeAlias = Literal["auto", "compiled", "torch"]
ENGINES: tuple[EngineName, ...] = ("auto", "compiled", "torch")
#: What compiled code computes with unless another precision is asked for: it is for writing, not for measuring.
USUAL_PRECISION: Precision = "int8"


class Engines:
    """A model's compiled engines, packed when they are first needed.

    Args:
        members: The saved models that write together; compiled code runs one alone.
        device: Where it is to run; compiled code runs on the CPU only.
        threads: How many at most; ``None``: as many as there are cores.
        folder: Where compiled code is kept.
        compiling: Told what is being compiled, before that begins; or that it cannot be.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        device: str,
        threads: int | None,
        folder: Path,
        compiling: Callable[[str], None] | None,
    ) -> None:
        self._members = members
        self._device, self._threads, self._folder, self._compiling = device, threads, folder, compiling
        self._made: dict[Precision, Engine] = {}
        self._problem: EngineError | None = None  # why nothing can be compiled here, once that is known

    def choose(
        self, search: SearchSettings, rules: RuleSettings, engine: str = "auto", precision: str | None = None
    ) -> Engine | None:
        """Return the compiled engine that is to write; ``None``: PyTorch is.

        Args:
            search: Which search.
            rules: What may be chosen.
            engine: ``"compiled"``, ``"torch"``, or ``"auto"``: compiled where that can be done.
            precision: ``"int8"`` or ``"fp32"``; ``None`` is the usual one, which PyTorch's is not.

        Raises:
            ConfigError: Compiled code is asked for, or its precision, and cannot do this.
            EngineError: It is asked for, and cannot be compiled here.
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
            found = self._ready(precision or USUAL_PRECISION, "sample" if search.beam is None else "search")
            if found is not None:
                return found
            assert self._problem is not None
            if engine == "compiled":
                raise self._problem
            reason = str(self._problem)
        if precision == "int8":
            raise ConfigError(f"precision int8 is for compiled code, and {reason}; use fp32")
        return None

    def missing(self, search: SearchSettings, rules: RuleSettings) -> str | None:
        """Return why compiled code cannot do something; ``None`` where it can."""
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
        return len(self._members) == 1 and self._device == "cpu" and can_pack(self._members[0].settings.core)

    def to_score(self) -> Engine | None:
        """Return the engine that scores short texts; ``None`` where PyTorch has to."""
        return self._ready("fp32") if self.can_run else None

    def _ready(self, precision: str, *names: str) -> Engine | None:
        """The engine with some kernels loaded; ``None`` where they cannot be compiled, which is told once."""
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
