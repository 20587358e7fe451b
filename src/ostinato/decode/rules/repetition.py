"""Rules against repetition, which look back at the prompt and the symbols written so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ostinato.decode.rules.base import At
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

_MOST_WINDOW = 1_000_000

#: How many symbols back penalties look unless another window is given.
WINDOW = 64
_LONGEST_REPEAT = 64  # symbols of a repeat that DRY tells apart; its penalty has long been prohibitive by then


class _LooksBack:
    """A rule whose state is the last symbols of every row, [R, n] int64; -1 is before the beginning.

    Subclasses say in ``window`` how many they need; ``None`` keeps all, and the cost of a step grows with them.
    """

    window: int | None

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        import torch  # settings need none

        longest = max(map(len, prompts), default=0)
        width = longest if self.window is None else self.window
        rows = [[-1] * (width - len(prompt[-width:])) + list(prompt[-width:]) if width else [] for prompt in prompts]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(prompts), width)

    def advance(self, symbols: Tensor, state: Tensor) -> Tensor:
        import torch

        longer = torch.cat([state, symbols[:, None]], dim=1)
        return longer if self.window is None else longer[:, 1:]

    def may_exhaust(self, *, is_first: bool) -> bool:
        return False

    def complete(self, state: Tensor, at: At) -> Tensor | None:
        return None


@dataclass(frozen=True)
class RepetitionPenalty(_LooksBack):
    """Make symbols that stand in the window less probable: a logit z becomes z / r if z > 0, else z * r.

    Source: Keskar et al. 2019, arXiv:1909.05858, sec. 4.1; the treatment of negative logits as in its authors' code.
    It acts on log-probabilities here, which are never above 0, and so only multiplies.
    """

    factor: float
    window: int | None = WINDOW
    name: ClassVar[str] = "repetition"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.factor) and self.factor > 0):
            raise ConfigError(f"the repetition penalty must be above 0 (1 is off), got {self.factor:g}")
        _check_window(self.window)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        seen = _counts(state, logits.shape[1]) > 0
        punished = logits.where(logits <= 0, logits / self.factor).where(logits > 0, logits * self.factor)
        return punished.where(seen, logits), state


@dataclass(frozen=True)
class CountPenalty(_LooksBack):
    """Take from the logit of a symbol that stands n times in the window: n * frequency + [n > 0] * presence.

    Source: the two penalties of OpenAI's text completion interface (2020), documented in its API reference.
    """

    presence: float = 0.0
    frequency: float = 0.0
    window: int | None = WINDOW
    name: ClassVar[str] = "presence-frequency"

    def __post_init__(self) -> None:
        for name, value in (("presence", self.presence), ("frequency", self.frequency)):
            if not math.isfinite(value):
                raise ConfigError(f"the {name} penalty must be a finite number, got {value:g}")
        _check_window(self.window)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        counts = _counts(state, logits.shape[1])
        return logits - counts * self.frequency - (counts > 0) * self.presence, state


@dataclass(frozen=True)
class NoRepeat(_LooksBack):
    """Forbid every symbol that would complete a sequence of n symbols that stands there already.

    Source: Paulus, Xiong and Socher 2018, arXiv:1705.04304, sec. 2.5 (trigrams).
    """

    n: int
    window: int | None = None
    name: ClassVar[str] = "no-repeat"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ConfigError(f"no-repeat must be at least 1 symbol, got {self.n}")
        _check_window(self.window)

    def may_exhaust(self, *, is_first: bool) -> bool:
        return True

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        starts = state.shape[1] - self.n + 1  # where an n-gram can begin
        if starts < 1:
            return logits, state
        same = (state[:, self.n - 1 :] >= 0).clone()
        for place in range(self.n - 1):
            ending = state[:, state.shape[1] - self.n + 1 + place, None]
            same &= (state[:, place : place + starts] == ending) & (ending >= 0)
        return _forbid(logits, state[:, self.n - 1 :], same), state


@dataclass(frozen=True)
class Dry(_LooksBack):
    """ "Don't repeat yourself": punish the symbol that would make a repeat longer, the more the longer it is.

    Where the last n symbols stand in the window already, followed by x, and n >= ``allowed``:

        z(x) <- z(x) - multiplier * base^(n - allowed)

    A repeat never reaches over a breaker.

    Attributes:
        multiplier: Penalty in nats of a repeat of the allowed length; above 0.
        base: Factor of the penalty for each symbol more; at least 1.
        allowed: Length of repeats that go unpunished, at least 1.
        window: Number of symbols to look back; ``None`` looks at all.
        breakers: Ids that no repeat reaches over.

    Source: P. E. Weidmann 2024, oobabooga/text-generation-webui, pull request 5677.
    """

    multiplier: float
    base: float = 1.75
    allowed: int = 2
    window: int | None = None
    breakers: tuple[int, ...] = ()
    name: ClassVar[str] = "dry"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.multiplier) and self.multiplier > 0):
            raise ConfigError(f"the multiplier of dry must be above 0, got {self.multiplier:g}")
        if not (math.isfinite(self.base) and self.base >= 1):
            raise ConfigError(f"the base of dry must be at least 1, got {self.base:g}")
        if self.allowed < 1:
            raise ConfigError(f"the allowed length of dry must be at least 1, got {self.allowed}")
        _check_window(self.window)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        import torch

        T = state.shape[1]
        if self.allowed + 1 > T:
            return logits, state
        broken = torch.isin(state, torch.tensor((-1, *self.breakers)))
        lengths = torch.zeros_like(state)[:, : T - 1]  # of the repeat that ends at each earlier place
        alive = torch.ones_like(lengths, dtype=torch.bool)
        for back in range(min(_LONGEST_REPEAT, T - 1)):
            earlier = torch.nn.functional.pad(state[:, : T - 1 - back], (back, 0), value=-1)
            last, is_broken = state[:, T - 1 - back, None], broken[:, T - 1 - back, None]
            alive = alive & (earlier == last) & ~is_broken
            if not alive.any():
                break
            lengths += alive
        long = lengths >= self.allowed
        if not long.any():
            return logits, state
        # Of several repeats that the same symbol would make longer, the longest counts.
        follows = state[:, 1:].clamp(min=0)
        longest = torch.zeros(logits.shape, dtype=torch.int64).scatter_reduce(
            1, follows, lengths * long, reduce="amax", include_self=True
        )
        penalty = self.multiplier * self.base ** (longest - self.allowed).double()
        return logits - penalty * (longest > 0), state


def _check_window(window: int | None) -> None:
    if window is not None and not 1 <= window <= _MOST_WINDOW:
        raise ConfigError(
            f"a window must be from 1 to {_MOST_WINDOW:,} symbols, got {window}; leave it out for the usual one"
        )


def _counts(state: Tensor, symbols: int) -> Tensor:
    """Return the count of each symbol in each row, [R, V] float64."""
    real = (state >= 0).double()
    return real.new_zeros(len(state), symbols).scatter_add(1, state.clamp(min=0), real)


def _forbid(logits: Tensor, symbols: Tensor, which: Tensor) -> Tensor:
    """Forbid ``symbols`` [R, n] in each row where ``which`` [R, n] is true."""
    import torch

    banned = torch.zeros(logits.shape, dtype=torch.int64).scatter_add(1, symbols.clamp(min=0), which.long())
    return logits.masked_fill(banned > 0, -math.inf)
