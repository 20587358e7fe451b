"""Following hypotheses through a search: what every row has written, and what all that can still win agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ostinato.decode.constraints import Constraint
from ostinato.decode.masses import KeptMasses
from ostinato.decode.rules.base import Rules
from ostinato.decode.search import Ending, Taken


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that a search has found.

    Attributes:
        symbols: Its ids, the end symbol included.
        score: Natural log of the model's own probability.
        rank: What the strategy orders by; higher is better.
        ending: Why it ended.
        kept: Natural log of what the constraint kept of the probability mass, over all symbols; ``None`` without one.
    """

    symbols: tuple[int, ...]
    score: float
    rank: float
    ending: Ending
    kept: float | None


class Paths:
    """Hypotheses of every prompt of a search.

    Args:
        prompts: How many prompts.
        cells: How many cells each has.
        rules: The search's rules: the constraint among them tells what it kept.
    """

    def __init__(self, prompts: int, cells: int, rules: Rules) -> None:
        self._rows: list[list[int]] = [[] for _ in range(prompts * cells)]
        self._scores = [0.0] * (prompts * cells)
        self._prompt = [row // cells for row in range(prompts * cells)]
        self._agreed: list[list[int]] = [[] for _ in range(prompts)]  # what rows leave out, as they all begin so
        self._ended: list[list[Hypothesis]] = [[] for _ in range(prompts)]
        constraint = next((n for n, rule in enumerate(rules) if rule.name == Constraint.name), None)
        self._masses = None if constraint is None else KeptMasses(constraint, prompts * cells)

    def take(self, taken: Taken) -> None:
        """Follow one time step."""
        choice = taken.choice
        if choice.ended is not None:
            self._end(taken)
        if self._masses is not None:
            self._masses.take(taken)
        symbols = choice.symbols.tolist()
        self._scores = choice.scores.tolist()
        if choice.parents is None:
            for row, symbol in zip(self._rows, symbols, strict=True):
                row.append(symbol)
            return
        parents = choice.parents.tolist()
        self._rows = [[*self._rows[parent], symbol] for parent, symbol in zip(parents, symbols, strict=True)]
        self._prompt = [self._prompt[parent] for parent in parents]

    def is_live(self, prompt: int) -> bool:
        """Return whether something is still being written of a prompt."""
        return prompt in self._prompt

    def ended(self, prompt: int) -> list[Hypothesis]:
        """Return what has ended of a prompt, best first; what got stuck comes last."""
        return sorted(self._ended[prompt], key=lambda h: (h.ending == "stuck", -h.rank))

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        """Return what is being written of a prompt, in the search's order: symbols and score."""
        return [
            ((*self._agreed[prompt], *row), score)
            for row, score, owner in zip(self._rows, self._scores, self._prompt, strict=True)
            if owner == prompt
        ]

    def agreed(self) -> list[list[int]]:
        """Return, for every prompt, the symbols that are certain now and were not before.

        Certain is what all live rows and the best hypothesis that has ended begin with: whichever wins.
        """
        live: list[list[list[int]]] = [[] for _ in self._agreed]
        for row, owner in zip(self._rows, self._prompt, strict=True):
            live[owner].append(row)
        found = []
        for prompt, rows in enumerate(live):
            candidates: list[Sequence[int]] = list(rows)
            if self._ended[prompt]:
                candidates.append(self.ended(prompt)[0].symbols[len(self._agreed[prompt]) :])
            found.append(_common_beginning(candidates))
            self._agreed[prompt] += found[-1]
            for row in rows:
                del row[: len(found[-1])]
        return found

    def _end(self, taken: Taken) -> None:
        ended = taken.choice.ended
        assert ended is not None
        columns = (ended.parents.tolist(), ended.symbols.tolist(), ended.scores.tolist(), ended.ranks.tolist())
        masses = [None] * len(taken.endings) if self._masses is None else self._masses.ended(taken)
        for row, symbol, score, rank, ending, kept in zip(*columns, taken.endings, masses, strict=True):
            written = (*self._agreed[self._prompt[row]], *self._rows[row])
            symbols = written if symbol < 0 else (*written, symbol)
            self._ended[self._prompt[row]].append(Hypothesis(symbols, score, rank, ending, kept))


def _common_beginning(sequences: Sequence[Sequence[int]]) -> list[int]:
    """What all sequences begin with."""
    if not sequences:
        return []
    if len(sequences) == 1:
        return list(sequences[0])
    ordered = sorted(map(tuple, sequences))
    first, last = ordered[0], ordered[-1]  # whatever these two share, those between them share
    size = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return list(first if size is None else first[:size])
