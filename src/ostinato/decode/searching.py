"""Settings of a search, checked against the rules. No PyTorch here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ostinato.decode.pipeline import RuleSettings, spelled
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.decode.search import Strategy

By: TypeAlias = Literal["total", "per-symbol"]

_OF_BEAMS = ("n_best", "length_power", "gnmt", "patience", "diverse", "strength", "draw", "stochastic")
# What never changes which symbol is the most probable, and so nothing that takes the most probable one.
_NEVER_BEST = ("temperature", "top_k", "top_p", "min_p", "epsilon", "eta", "mirostat")


@dataclass(frozen=True)
class SearchSettings:
    """Settings of a search; without any, every text is drawn symbol by symbol.

    Attributes:
        greedy: Take the most probable symbol each time.
        beam: Keep the K best beginnings.
        n_best: With a beam: give the N best texts (default: 1).
        length_power: With a beam: compare by log probability / symbols^A.
        gnmt: With a beam: compare by GNMT's formula with exponent A.
        patience: With a beam: stop when P times K texts have ended (default: when none can become better).
        diverse: With a beam: search in G groups that avoid each other.
        strength: With ``diverse``: the penalty for what another group has chosen, in nats (default: 0.5).
        draw: With a beam: draw the beginnings that are kept.
        stochastic: With a beam: draw K different samples, without replacement.
        best_of: Give the best of N samples.
        by: With ``best_of``: the log probability that decides, ``total`` or ``per-symbol`` (default: total). In Python
            also any function of a ``Sample``.
        exact: Draw exactly as the model does, given the constraint.

    Raises:
        ConfigError: Options cancel each other, or need one that is off, or are out of range.
    """

    greedy: bool = False
    beam: int | None = None
    n_best: int | None = None
    length_power: float | None = None
    gnmt: float | None = None
    patience: float | None = None
    diverse: int | None = None
    strength: float | None = None
    draw: bool = False
    stochastic: bool = False
    best_of: int | None = None
    by: By | Callable[[Any], float] | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        on = self.on()
        if self.beam is None and (others := [name for name in _OF_BEAMS if name in on]):
            raise ConfigError(
                f"{spelled(others)} is for a beam search, and none is asked for; give beam, such as beam 8"
            )
        ways = [name for name in ("greedy", "beam", "best_of", "exact") if name in on]
        if len(ways) > 1:
            raise ConfigError(f"{spelled(ways)} are different searches; choose one")
        kinds = [name for name in ("diverse", "draw", "stochastic") if name in on]
        if len(kinds) > 1:
            raise ConfigError(f"{spelled(kinds)} are different kinds of beam search; choose one")
        if self.by is not None and self.best_of is None:
            raise ConfigError("by is for best-of, which is not given")
        if self.strength is not None and self.diverse is None:
            raise ConfigError("strength is for diverse, which is not given")
        self._check_ranges()
        if self.stochastic and (others := [n for n in ("n_best", "length_power", "gnmt", "patience") if n in on]):
            raise ConfigError(
                f"stochastic beam search gives exactly beam samples, without replacement; {spelled(others)} would "
                "make them others: leave it out"
            )

    def on(self) -> list[str]:
        """Return the names of all options that are given."""
        return [name for name, value in vars(self).items() if value is not None and value is not False]

    @property
    def is_random(self) -> bool:
        """Whether a seed changes anything."""
        return not self.greedy and (self.beam is None or self.draw or self.stochastic)

    def check(self, rules: RuleSettings, *, samples: int, seed: object, stop: Sequence[str]) -> None:
        """Check that the search is compatible with all other options.

        Raises:
            ConfigError: It is not.
        """
        on = rules.on()
        if self.greedy:
            # With a constraint or a penalty before it, what is most probable is another symbol, and greedy takes that.
            others = [name for name in _NEVER_BEST if name in on]
            others += ["a seed"] * (seed is not None) + ["several samples"] * (samples > 1)
            if others:
                raise ConfigError(
                    f"greedy search takes the most probable symbol, always; it cannot go with {spelled(others)}"
                )
        if self.beam is not None:
            self._check_beam(on, samples, seed)
        if stop and {"match", "lexicon", "brackets", "automaton"} & set(on):
            raise ConfigError(
                "a stop string cuts the text before it, and what is left might not fulfil the constraint; "
                "leave stop out, or say in the constraint how the text ends"
            )
        if self.exact:
            self._check_exact(rules)

    def strategy(self, seeds: Sequence[int], rules: RuleSettings) -> Strategy:
        """Return the strategy; ``seeds`` has one for each prompt (unused where nothing is drawn)."""
        from ostinato.decode.strategies import Beam, Greedy, Lengths, Sampling, StochasticBeam

        if self.greedy:
            return Greedy()
        if self.beam is None:
            return Sampling(tuple(seeds))
        if self.stochastic:
            return StochasticBeam(self.beam, tuple(seeds))
        lengths = Lengths(self.length_power or 0.0) if self.gnmt is None else Lengths(self.gnmt, "gnmt")
        return Beam(
            self.beam,
            lengths,
            best=self.n_best or 1,
            patience=self.patience,
            seeds=tuple(seeds) if self.draw else None,
            groups=self.diverse or 1,
            strength=0.0 if self.diverse is None else 0.5 if self.strength is None else self.strength,
            may_rise=rules.may_rise(),
        )

    def _check_ranges(self) -> None:
        for name in ("beam", "n_best", "diverse", "best_of"):
            value = vars(self)[name]
            if value is not None and not 1 <= value <= 10_000:
                raise ConfigError(f"{spelled([name])} must be from 1 to 10000, got {value}")
        if self.beam is not None and (self.n_best or 1) > self.beam:
            raise ConfigError(f"n-best {self.n_best} is more than the beam of {self.beam} can give; widen the beam")
        if self.beam is not None and self.diverse is not None and self.beam % self.diverse:
            raise ConfigError(f"a beam of {self.beam} cannot be shared out among {self.diverse} groups of equal size")
        if self.strength is not None and not 0 <= self.strength < 1e6:
            raise ConfigError(f"strength must be a number of nats from 0 on, got {self.strength:g}")
        if self.patience is not None and not 0 < self.patience < 1e6:
            raise ConfigError(f"patience must be above 0, got {self.patience:g}")
        if self.length_power is not None and self.gnmt is not None:
            raise ConfigError("length-power and gnmt are two formulas for the same; choose one")
        if self.diverse == 1:
            raise ConfigError("diverse 1 is a single group, which has no other to avoid; leave it out, or give more")
        if self.best_of == 1:
            raise ConfigError("best-of 1 chooses among one; leave it out, or give more")

    def _check_beam(self, on: Sequence[str], samples: int, seed: object) -> None:
        if samples > 1:
            raise ConfigError(f"a beam gives its best with n-best, not with several samples; use n-best {samples}")
        if self.is_random:
            return
        others = ["temperature"] * ("temperature" in on) + ["mirostat"] * ("mirostat" in on)
        others += ["a seed"] * (seed is not None)
        if others:
            raise ConfigError(
                f"a beam search draws nothing, and {spelled(others)} is for drawing; leave it out, or add draw or "
                "stochastic"
            )

    def _check_exact(self, rules: RuleSettings) -> None:
        on = set(rules.on())
        others = sorted(on - {"match", "lexicon", "brackets", "max_line", "ban", "automaton"})
        if others:
            raise ConfigError(
                f"exact sampling is from the model's own distribution, which {spelled(others)} would change; "
                "leave it out"
            )
        if not on:
            raise ConfigError("exact sampling is for constraints, and none is given; without one, sampling is exact")
