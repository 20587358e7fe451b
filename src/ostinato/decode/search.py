"""One loop for greedy search and sampling; a strategy only says which symbols come next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ostinato.cores.state import first_tensor, select_rows
from ostinato.decode.noise import uniform
from ostinato.decode.rules import Rules
from ostinato.models.heads import draw


class Stepper(Protocol):
    """All that a search may know of a model. Tests use a table of probabilities in its place."""

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        """Read one prompt for each row: log-probabilities of the next symbol [R, V], and the state."""

    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Append one symbol to each row, [R]: log-probabilities of the one after [R, V], and the state."""


class Choice(NamedTuple):
    """One time step of a search. Row i goes on from row ``parents[i]`` of the step before with ``symbols[i]``."""

    parents: Tensor  # [R] int64
    symbols: Tensor  # [R] int64
    scores: Tensor  # [R] float64, natural log of the model's own probability of all symbols since the prompt


class Strategy(Protocol):
    """Which rows go on, with which symbols."""

    def choose(self, log_probs: Tensor, ruled: Tensor, scores: Tensor, step: int) -> Choice:
        """Pick the next symbols.

        Args:
            log_probs: The model's log-probabilities, [R, V] float64.
            ruled: Logits after the rules, [R, V] float64; ``-inf`` is forbidden.
            scores: Totals so far, [R] float64.
            step: How many symbols each row has chosen already.
        """


@dataclass(frozen=True)
class Greedy:
    """Take the most probable allowed symbol; of equally probable ones the lowest id."""

    def choose(self, log_probs: Tensor, ruled: Tensor, scores: Tensor, step: int) -> Choice:
        return _stay(log_probs, ruled.argmax(dim=-1), scores)


@dataclass(frozen=True)
class Sample:
    """Draw each symbol from the distribution that the rules leave.

    Attributes:
        seeds: One for each row; a row's text depends on its seed alone.
    """

    seeds: tuple[int, ...]

    def choose(self, log_probs: Tensor, ruled: Tensor, scores: Tensor, step: int) -> Choice:
        noise = torch.from_numpy(uniform(self.seeds, step))
        return _stay(log_probs, draw(ruled, noise), scores)


def search(
    stepper: Stepper,
    prompts: Sequence[Sequence[int]],
    strategy: Strategy,
    rules: Rules,
    *,
    length: int,
    end: int | None,
) -> Iterator[Choice]:
    """Yield one ``Choice`` per time step, until every row has ended or ``length`` symbols are chosen.

    A row that has ended repeats ``end`` at no cost, so its score stands still.

    Args:
        stepper: The model.
        prompts: Ids to go on from, one sequence for each row.
        strategy: How to choose.
        rules: What may be chosen, applied in order.
        length: Most new symbols.
        end: The id that ends a row, or ``None``.
    """
    log_probs, state = stepper.start(prompts)
    rows, symbols = log_probs.shape
    scores = torch.zeros(rows, dtype=torch.float64)
    memories = [rule.initial_state(rows) for rule in rules]
    finished = torch.zeros(rows, dtype=torch.bool)
    stay = torch.full((symbols,), -torch.inf, dtype=torch.float64)
    if end is not None:
        stay[end] = 0.0
    for step in range(length):
        log_probs = torch.where(finished[:, None], stay, log_probs.double())
        ruled = log_probs
        for rule, memory in zip(rules, memories, strict=True):
            ruled = rule.apply(ruled, memory)
        choice = strategy.choose(log_probs, ruled, scores, step)
        yield choice
        scores = choice.scores
        if end is not None:
            finished = finished[choice.parents] | (choice.symbols == end)
            if finished.all():
                return
        memories = [
            rule.advance(choice.symbols, select_rows(memory, choice.parents))
            for rule, memory in zip(rules, memories, strict=True)
        ]
        # An ended row's end symbol is not read: it may be no symbol that the model takes as an input.
        read = torch.where(finished, torch.zeros_like(choice.symbols), choice.symbols)
        parents = choice.parents.to(first_tensor(state).device)
        log_probs, state = stepper.step(read, select_rows(state, parents))


def _stay(log_probs: Tensor, symbols: Tensor, scores: Tensor) -> Choice:
    parents = torch.arange(len(scores))
    return Choice(parents, symbols, scores + log_probs.gather(1, symbols[:, None])[:, 0])
