"""Rules that keep the probable symbols and forbid the tail, each by its own measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ostinato.decode.rules.base import At, Memoryless
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TopK(Memoryless):
    """Keep the k most probable symbols; of equally probable ones at the edge, those of lower id.

    Source: Fan, Lewis and Dauphin 2018, arXiv:1805.04833.
    """

    k: int
    name: ClassVar[str] = "top-k"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"top-k must be at least 1, got {self.k}; leave it out to keep all symbols")

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        order = logits.argsort(dim=-1, descending=True, stable=True)
        return logits.scatter(-1, order[:, self.k :], -math.inf), state


@dataclass(frozen=True)
class TopP(Memoryless):
    """Keep the fewest most probable symbols whose probabilities reach p in sum.

    Source: Holtzman et al. 2020, arXiv:1904.09751.
    """

    p: float
    name: ClassVar[str] = "top-p"

    def __post_init__(self) -> None:
        _check_share(self.name, self.p)

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        order = logits.argsort(dim=-1, descending=True, stable=True)
        return _keep_mass(logits, order, self.p), state


@dataclass(frozen=True)
class MinP(Memoryless):
    """Keep symbols at least ``share`` times as probable as the most probable one.

    Source: Nguyen et al. 2024, arXiv:2407.01082.
    """

    share: float
    name: ClassVar[str] = "min-p"

    def __post_init__(self) -> None:
        _check_share(self.name, self.share)

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        bar = logits.amax(dim=-1, keepdim=True) + math.log(self.share)
        return logits.masked_fill(logits < bar, -math.inf), state


@dataclass(frozen=True)
class Typical(Memoryless):
    """Keep the fewest symbols whose probabilities reach ``mass``, those first whose surprise is nearest the entropy.

        order by |-log p - H|, H = -sum p log p

    The most probable symbol may go. Source: Meister et al. 2023, arXiv:2202.00666.
    """

    mass: float
    name: ClassVar[str] = "typical"

    def __post_init__(self) -> None:
        _check_share(self.name, self.mass)

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        log_probs = logits.double().log_softmax(dim=-1)
        distance = (-log_probs - _entropy(log_probs)).abs()
        return _keep_mass(logits, distance.argsort(dim=-1, stable=True), self.mass), state


@dataclass(frozen=True)
class Epsilon(Memoryless):
    """Keep symbols of at least probability ``bar``, and the most probable one in any case.

    Source: Hewitt, Manning and Liang 2022, arXiv:2210.15191, sec. 4.
    """

    bar: float
    name: ClassVar[str] = "epsilon"

    def __post_init__(self) -> None:
        _check_share(self.name, self.bar)

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        return _keep_above(logits, logits.double().log_softmax(dim=-1), math.log(self.bar)), state


@dataclass(frozen=True)
class Eta(Memoryless):
    """Keep symbols of at least probability min(eps, sqrt(eps) exp(-H)): a bar that falls where the model is unsure.

    H is the entropy in nats; the most probable symbol stays in any case. Source: Hewitt, Manning and Liang 2022,
    arXiv:2210.15191, eq. 3.
    """

    bar: float
    name: ClassVar[str] = "eta"

    def __post_init__(self) -> None:
        _check_share(self.name, self.bar)

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        log_probs = logits.double().log_softmax(dim=-1)
        bar = (0.5 * math.log(self.bar) - _entropy(log_probs)).clamp(max=math.log(self.bar))
        return _keep_above(logits, log_probs, bar), state


class MirostatState(NamedTuple):
    """State of mirostat: its bar mu in bits, [R], and the surprise of every symbol in bits, [R, V]."""

    mu: Tensor
    surprise: Tensor


@dataclass(frozen=True)
class Mirostat:
    """Steer the surprise of drawn symbols to ``target`` bits: mirostat 2.

        mu_0 = 2 tau;  forbid symbols with -log2 p > mu;  mu <- mu - eta (-log2 p(drawn) - tau)

    p is the distribution before this rule, as in the authors' code; the most probable symbol stays in any
    case. Source: Basu et al. 2021, arXiv:2007.14966, alg. 2.

    Attributes:
        target: The surprise tau in bits, above 0.
        rate: Learning rate eta of mu; above 0, at most 1.
    """

    target: float
    rate: float = 0.1
    name: ClassVar[str] = "mirostat"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.target) and self.target > 0):
            raise ConfigError(f"the target of mirostat must be above 0 bits, got {self.target:g}")
        _check_share("the rate of mirostat", self.rate)

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> MirostatState:
        import torch  # settings need none

        mu = torch.full((len(prompts),), 2 * self.target, dtype=torch.float64)
        return MirostatState(mu, torch.zeros(len(prompts), 1, dtype=torch.float64))

    def apply(self, logits: Tensor, state: MirostatState, at: At) -> tuple[Tensor, MirostatState]:
        surprise = logits.double().log_softmax(dim=-1) / -math.log(2)
        bar = state.mu[:, None].maximum(surprise.amin(dim=-1, keepdim=True))
        return logits.masked_fill(surprise > bar, -math.inf), MirostatState(state.mu, surprise)

    def advance(self, symbols: Tensor, state: MirostatState) -> MirostatState:
        drawn = state.surprise.gather(1, symbols[:, None])[:, 0]
        return MirostatState(state.mu - self.rate * (drawn - self.target), state.surprise)

    def may_exhaust(self, *, is_first: bool) -> bool:
        return False

    def complete(self, state: MirostatState, at: At) -> Tensor | None:
        return None


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise ConfigError(f"{name} must be above 0 and at most 1, got {value:g}")


def _entropy(log_probs: Tensor) -> Tensor:
    """Return the entropy of each row in nats, [R, 1]; a forbidden symbol adds nothing."""
    return -(log_probs.exp() * log_probs.clamp(min=-1e9)).sum(dim=-1, keepdim=True)


def _keep_above(logits: Tensor, log_probs: Tensor, bar: Tensor | float) -> Tensor:
    """Forbid symbols under the bar, except the most probable one."""
    drop = (log_probs < bar) & (log_probs < log_probs.amax(dim=-1, keepdim=True))
    return logits.masked_fill(drop, -math.inf)


def _keep_mass(logits: Tensor, order: Tensor, mass: float) -> Tensor:
    """Keep the fewest symbols, first to last in ``order`` [R, V], that reach a mass; at least one."""
    ranked = logits.double().softmax(dim=-1).gather(-1, order)
    before = ranked.cumsum(dim=-1) - ranked  # what stands above a symbol, itself not counted
    drop = before >= mass
    drop[:, 0] = False
    return logits.masked_fill(drop.scatter(-1, order, drop), -math.inf)
