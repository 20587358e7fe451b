"""Hypotheses followed through a search: the symbols of every row, and the beginning that all that can win share.

No PyTorch here: the reference search and the compiled ones are followed alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

#: Why a hypothesis ended: its end symbol, what a rule waits for (a stop string, a constraint that is
#: fulfilled and lets nothing follow), the length limit, or that the rules left it no symbol.
Ending: TypeAlias = Literal["end", "complete", "length", "stuck"]


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that a search has found.

    Attributes:
        symbols: Its ids, the end symbol included.
        score: Natural log of the model's own probability.
        rank: Value by which the strategy orders hypotheses; higher is better.
        ending: Reason why it ended.
        kept: Natural log of the probability mass that the constraint kept, over all symbols; ``None`` without one.
    """

    symbols: tuple[int, ...]
    score: float
    rank: float
    ending: Ending
    kept: float | None


class EndedRow(NamedTuple):
    """Hypothesis that ended at one time step: the row it extends, its last symbol (-1: none), score, rank and so on."""

    row: int
    symbol: int
    score: float
    rank: float
    ending: Ending
    kept: float | None


class Paths:
    """Hypotheses of every prompt of a search.

    Args:
        prompts: Number of prompts.
        cells: Number of cells of each prompt; each begins with one row.
    """

    def __init__(self, prompts: int, cells: int) -> None:
        self._rows: list[list[int]] = [[] for _ in range(prompts * cells)]
        self._scores = [0.0] * (prompts * cells)
        self._prompt = [row // cells for row in range(prompts * cells)]
        self._agreed: list[list[int]] = [[] for _ in range(prompts)]  # what rows leave out, as they all begin so
        self._ended: list[list[Hypothesis]] = [[] for _ in range(prompts)]

    def take(
        self, parents: Sequence[int] | None, symbols: Sequence[int], scores: Sequence[float], ended: Sequence[EndedRow]
    ) -> None:
        """Follow one time step.

        Args:
            parents: Row that each row extends; ``None``: every row extends itself.
            symbols: Symbol that each row appends.
            scores: Natural log of the model's own probability of each row.
            ended: Hypotheses that ended at this step.
        """
        for row, symbol, score, rank, ending, kept in ended:
            written = (*self._agreed[self._prompt[row]], *self._rows[row])
            whole = written if symbol < 0 else (*written, symbol)
            self._ended[self._prompt[row]].append(Hypothesis(whole, score, rank, ending, kept))
        self._scores = list(scores)
        if parents is None:
            for written_row, symbol in zip(self._rows, symbols, strict=True):
                written_row.append(symbol)
            return
        self._rows = [[*self._rows[parent], symbol] for parent, symbol in zip(parents, symbols, strict=True)]
        self._prompt = [self._prompt[parent] for parent in parents]

    def is_live(self, prompt: int) -> bool:
        """Return whether a prompt has rows that are still being written."""
        return prompt in self._prompt

    def ended(self, prompt: int) -> list[Hypothesis]:
        """Return the ended hypotheses of a prompt, best first; those that got stuck come last."""
        return sorted(self._ended[prompt], key=lambda h: (h.ending == "stuck", -h.rank))

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        """Return symbols and score of each live row of a prompt, in the search's order."""
        return [
            ((*self._agreed[prompt], *row), score)
            for row, score, owner in zip(self._rows, self._scores, self._prompt, strict=True)
            if owner == prompt
        ]

    def agreed(self) -> list[list[int]]:
        """Return, for every prompt, the symbols that are certain now and were not before.

        Symbols are certain if all live rows and the best ended hypothesis begin with them, whichever wins.
        """
        live: list[list[list[int]]] = [[] for _ in self._agreed]
        for row, owner in zip(self._rows, self._prompt, strict=True):
            live[owner].append(row)
        beginnings = []
        for prompt, rows in enumerate(live):
            candidates: list[Sequence[int]] = list(rows)
            if self._ended[prompt]:
                candidates.append(self.ended(prompt)[0].symbols[len(self._agreed[prompt]) :])
            beginnings.append(_common_beginning(candidates))
            self._agreed[prompt] += beginnings[-1]
            for row in rows:
                del row[: len(beginnings[-1])]
        return beginnings


def _common_beginning(sequences: Sequence[Sequence[int]]) -> list[int]:
    """Return the longest common beginning of all sequences."""
    if not sequences:
        return []
    if len(sequences) == 1:
        return list(sequences[0])
    ordered = sorted(map(tuple, sequences))
    first, last = ordered[0], ordered[-1]  # whatever these two share, those between them share
    size = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return list(first if size is None else first[:size])
