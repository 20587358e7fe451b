"""The reference search as a writer: every strategy, every rule, every model that steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ostinato.decode.constraints import Constraint
from ostinato.decode.masses import KeptMasses
from ostinato.decode.paths import EndedRow, Hypothesis, Paths
from ostinato.decode.rules.base import Rules
from ostinato.decode.search import SearchStep, Stepper, Strategy, search


class ReferenceWriter:
    """Writer that uses the search of ``ostinato.decode.search``; arguments as there.

    Attributes:
        has_begun: Whether the prompts have been read.
    """

    def __init__(
        self,
        stepper: Stepper,
        prompts: Sequence[Sequence[int]],
        strategy: Strategy,
        rules: Rules,
        *,
        length: int,
        end: int | None,
    ) -> None:
        self._paths = Paths(len(prompts), strategy.cells)
        self._begin = partial(search, stepper, prompts, strategy, rules, length=length, end=end)
        self._steps, self.has_begun = self._begin(), False
        constraint = next((n for n, rule in enumerate(rules) if rule.name == Constraint.name), None)
        self._masses = None if constraint is None else KeptMasses(constraint, len(prompts) * strategy.cells)

    def go_on(self, steps: int | None = None) -> list[list[int]] | None:
        try:
            taken = next(self._steps, None)
        except KeyboardInterrupt:  # an interrupted iterator has ended; while prompts are read nothing is lost by that
            if not self.has_begun:
                self._steps = self._begin()
            raise
        self.has_begun = True
        if taken is None:
            return None
        self._follow(taken)
        return self._paths.agreed()

    def is_live(self, prompt: int) -> bool:
        return self._paths.is_live(prompt)

    def ended(self, prompt: int) -> list[Hypothesis]:
        return self._paths.ended(prompt)

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        return self._paths.live(prompt)

    def _follow(self, taken: SearchStep) -> None:
        choice, ended = taken.choice, []
        if choice.ended is not None:
            parts = choice.ended
            kept = [None] * len(taken.endings) if self._masses is None else self._masses.ended(taken)
            columns = (parts.parents.tolist(), parts.symbols.tolist(), parts.scores.tolist(), parts.ranks.tolist())
            ended = [EndedRow(*row) for row in zip(*columns, taken.endings, kept, strict=True)]
        if self._masses is not None:
            self._masses.take(taken)
        parents = None if choice.parents is None else choice.parents.tolist()
        self._paths.take(parents, choice.symbols.tolist(), choice.scores.tolist(), ended)
