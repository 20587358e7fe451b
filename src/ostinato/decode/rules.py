"""Rules: an ordered pipeline from a model's logits to what may be drawn. Settings only need no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from ostinato.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor


class Rule(Protocol):
    """One step of the pipeline. A rule's state obeys the state algebra, so it moves along with its row."""

    name: ClassVar[str]

    def initial_state(self, rows: int) -> Any:
        """Return the state of R rows before the first symbol; ``()`` for a rule without memory."""

    def apply(self, logits: Tensor, state: Any) -> Tensor:
        """Return new logits [R, V]; ``-inf`` forbids a symbol. At least one of each row stays allowed."""

    def advance(self, symbols: Tensor, state: Any) -> Any:
        """Return the state after each row has taken its symbol, [R]."""


class _Memoryless:
    def initial_state(self, rows: int) -> Any:
        return ()

    def advance(self, symbols: Tensor, state: Any) -> Any:
        return state


@dataclass(frozen=True)
class Temperature(_Memoryless):
    """Divide logits by T: below 1 sharpens, above 1 flattens. Source: Ackley, Hinton and Sejnowski 1985."""

    temperature: float
    name: ClassVar[str] = "temperature"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ConfigError(
                f"temperature must be a finite number above 0, got {self.temperature:g}; "
                "for the most probable symbol at each step, use --greedy"
            )

    def apply(self, logits: Tensor, state: Any) -> Tensor:
        return logits / self.temperature


@dataclass(frozen=True)
class TopK(_Memoryless):
    """Keep the k most probable symbols; of equally probable ones at the edge, those of lower id.

    Source: Fan, Lewis and Dauphin 2018, arXiv:1805.04833.
    """

    k: int
    name: ClassVar[str] = "top-k"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"top-k must be at least 1, got {self.k}; leave it out to keep all symbols")

    def apply(self, logits: Tensor, state: Any) -> Tensor:
        order = logits.argsort(dim=-1, descending=True, stable=True)
        return logits.scatter(-1, order[:, self.k :], -math.inf)


@dataclass(frozen=True)
class TopP(_Memoryless):
    """Keep the fewest most probable symbols whose probabilities reach p in sum.

    Source: Holtzman et al. 2020, arXiv:1904.09751.
    """

    p: float
    name: ClassVar[str] = "top-p"

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ConfigError(f"top-p must be above 0 and at most 1, got {self.p:g}")

    def apply(self, logits: Tensor, state: Any) -> Tensor:
        order = logits.argsort(dim=-1, descending=True, stable=True)
        ranked = logits.gather(-1, order).double().softmax(dim=-1)
        before = ranked.cumsum(dim=-1) - ranked  # what stands above a symbol, itself not counted
        drop = before >= self.p
        drop[:, 0] = False
        return logits.masked_fill(drop.scatter(-1, order, drop), -math.inf)


@dataclass(frozen=True)
class MinP(_Memoryless):
    """Keep symbols at least ``share`` times as probable as the most probable one.

    Source: Nguyen et al. 2024, arXiv:2407.01082.
    """

    share: float
    name: ClassVar[str] = "min-p"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ConfigError(f"min-p must be above 0 and at most 1, got {self.share:g}")

    def apply(self, logits: Tensor, state: Any) -> Tensor:
        bar = logits.amax(dim=-1, keepdim=True) + math.log(self.share)
        return logits.masked_fill(logits < bar, -math.inf)


Rules: TypeAlias = tuple[Rule, ...]

#: The order in which rules are applied unless another is asked for.
DEFAULT_ORDER = (Temperature.name, TopK.name, TopP.name, MinP.name)


def build_rules(
    *,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    order: Sequence[str] | None = None,
) -> Rules:
    """Make the pipeline; what is ``None`` is off.

    Args:
        temperature: Above 0.
        top_k: At least 1.
        top_p: Above 0, at most 1.
        min_p: Above 0, at most 1.
        order: Names of rules, first applied first; it has to name every rule that is on.

    Raises:
        ConfigError: A value is out of range, or the order names no rule, or leaves one out.
    """
    rules: dict[str, Rule] = {}
    if temperature is not None:
        rules[Temperature.name] = Temperature(temperature)
    if top_k is not None:
        rules[TopK.name] = TopK(top_k)
    if top_p is not None:
        rules[TopP.name] = TopP(top_p)
    if min_p is not None:
        rules[MinP.name] = MinP(min_p)
    names = DEFAULT_ORDER if order is None else tuple(order)
    for name in names:
        if name not in DEFAULT_ORDER:
            raise unknown_name("rule", name, DEFAULT_ORDER, where="--rules")
    left_out = [name for name in rules if name not in names]
    if left_out or len(set(names)) != len(names):
        raise ConfigError(
            f"--rules {','.join(names)} must name each rule that is on exactly once; on are: {', '.join(rules)}"
        )
    return tuple(rules[name] for name in names if name in rules)
