"""One loop for every search and sampling method; a strategy only says which rows go on, with which symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ostinato.cores.state import first_tensor, select_rows
from ostinato.decode.paths import Ending
from ostinato.decode.rules.base import At, Rules

_LIVE, _COMPLETE, _LENGTH, _STUCK = range(4)
_ENDINGS: tuple[Ending, ...] = ("end", "complete", "length", "stuck")


class Stepper(Protocol):
    """Part of a model that a search uses. Tests put a table of probabilities in its place."""

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        """Read one prompt for each row; return log-probabilities of the next symbol, [R, V], and the state."""

    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Append one symbol to each row, [R]; return log-probabilities of the next one, [R, V], and the state."""


class Place(NamedTuple):
    """State of a search at one time step, as a strategy sees it. Rows of one cell are adjacent.

    A cell is a set of rows that compete: the beam of one prompt, one group of a diverse beam, one sample.
    """

    log_probs: Tensor  # [R, V] float64, the model's own
    ruled: Tensor  # [R, V] float64, logits after the rules; -inf is forbidden; rows that are over have only -inf
    scores: Tensor  # [R] float64, natural log of the model's own probability of all symbols since the prompt
    cells: Tensor  # [R] int64, the cell of each row, in rising order
    over: Tensor | None  # [R] int64, 0 where the row goes on, else why not; None: all go on
    at: At
    end: int | None


class Ended(NamedTuple):
    """Hypotheses that ended at one time step."""

    parents: Tensor  # [E] int64, the row that each went on from
    symbols: Tensor  # [E] int64, its last symbol; -1 where it ended without one
    scores: Tensor  # [E] float64, natural log of the model's own probability
    ranks: Tensor  # [E] float64, what the strategy orders hypotheses by; higher is better


class Choice(NamedTuple):
    """One time step of a search. Row i extends row ``parents[i]`` of the step before by ``symbols[i]``."""

    parents: Tensor | None  # [R] int64; None: every row goes on from itself
    symbols: Tensor  # [R] int64
    scores: Tensor  # [R] float64
    ended: Ended | None = None
    state: Any = ()


class Strategy(Protocol):
    """Strategy of a search: it chooses the rows that go on, their symbols, and the hypotheses that end.

    Attributes:
        cells: Number of cells of each prompt; each begins with one row.
    """

    @property
    def cells(self) -> int: ...

    def initial_state(self, cells: int) -> Any:
        """Return the state before the first symbol. It is the strategy's own: the loop only hands it back."""

    def choose(self, place: Place, state: Any) -> Choice:
        """Pick the next symbols. Rows that are over end here; rows that are not taken are forgotten."""


class SearchStep(NamedTuple):
    """One time step, as the loop yields it."""

    choice: Choice
    endings: tuple[Ending, ...]  # why each hypothesis of ``choice.ended`` ended
    logits: tuple[Tensor, ...]  # [R, V] each: the model's log-probabilities, and what each rule made of them


def search(
    stepper: Stepper,
    prompts: Sequence[Sequence[int]],
    strategy: Strategy,
    rules: Rules,
    *,
    length: int,
    end: int | None,
) -> Iterator[SearchStep]:
    """Yield one choice per time step until every hypothesis has ended; the last may be after the length limit.

    Args:
        stepper: The model.
        prompts: Ids to go on from.
        strategy: Strategy that chooses symbols.
        rules: Rules that change the logits, applied in order.
        length: Largest number of new symbols.
        end: The id that ends a hypothesis, or ``None``.
    """
    prompts = [prompt for prompt in prompts for _ in range(strategy.cells)]
    log_probs, state = stepper.start(prompts)
    cells, scores = torch.arange(len(prompts)), torch.zeros(len(prompts), dtype=torch.float64)
    memory = strategy.initial_state(len(prompts))
    memories = [rule.initial_state(prompts) for rule in rules]
    may_get_stuck = any(rule.may_exhaust(is_first=number == 0) for number, rule in enumerate(rules))
    enders = [number for number, rule in enumerate(rules) if rule.complete(memories[number], At(0, length)) is not None]
    for step in range(length + 1):
        at = At(step, length)
        log_probs = log_probs.double()
        over = _complete(rules, memories, enders, at) if enders else None
        logits: tuple[Tensor, ...] = (log_probs,)
        if step < length:
            logits, memories = _apply(rules, memories, log_probs, at)
            ruled = logits[-1]
            over = _without_stuck(ruled, over) if may_get_stuck else over
            if over is not None:
                ruled = ruled.masked_fill((over != _LIVE)[:, None], -torch.inf)
        else:
            ruled = torch.full_like(log_probs, -torch.inf)
            over = torch.full((len(cells),), _LENGTH) if over is None else over.masked_fill(over == _LIVE, _LENGTH)
        choice = strategy.choose(Place(log_probs, ruled, scores, cells, over, at, end), memory)
        yield SearchStep(choice, _endings(choice.ended, over), logits)
        if not len(choice.symbols):
            return
        scores, memory = choice.scores, choice.state
        if choice.parents is not None:
            cells = cells[choice.parents]
            memories = [select_rows(each, choice.parents) for each in memories]
            state = select_rows(state, choice.parents.to(first_tensor(state).device))
        memories = [rule.advance(choice.symbols, each) for rule, each in zip(rules, memories, strict=True)]
        if step + 1 < length:
            log_probs, state = stepper.step(choice.symbols, state)
        else:
            log_probs = log_probs.new_zeros(len(cells), log_probs.shape[1])


def end_rows(place: Place, ranks: Tensor) -> Ended | None:
    """Return the rows that are over as ended hypotheses.

    Args:
        place: State of the search.
        ranks: Value by which hypotheses are ordered, for every row, [R].
    """
    if place.over is None:
        return None
    (rows,) = place.over.nonzero(as_tuple=True)
    return Ended(rows, torch.full_like(rows, -1), place.scores[rows], ranks[rows])


def without_stuck(place: Place, ended: Ended | None) -> Ended | None:
    """Leave out hypotheses that got stuck, which are no results."""
    if ended is None or place.over is None:
        return ended
    whole = (ended.symbols >= 0) | (place.over[ended.parents] != _STUCK)
    return Ended(*(part[whole] for part in ended))


def join_ended(first: Ended | None, second: Ended | None) -> Ended | None:
    """Return the ended hypotheses of both."""
    if first is None or second is None:
        return second if first is None else first
    return Ended(*(torch.cat(parts) for parts in zip(first, second, strict=True)))


def _apply(rules: Rules, memories: list[Any], logits: Tensor, at: At) -> tuple[tuple[Tensor, ...], list[Any]]:
    all_logits, after = [logits], []
    for rule, memory in zip(rules, memories, strict=True):
        logits, memory = rule.apply(logits, memory, at)
        all_logits.append(logits)
        after.append(memory)
    return tuple(all_logits), after


def _complete(rules: Rules, memories: list[Any], enders: Sequence[int], at: At) -> Tensor | None:
    """Return the rows that some rule declares complete, as reasons [R]; ``None`` where there are none."""
    completed: Tensor | None = None
    for number in enders:
        complete = rules[number].complete(memories[number], at)
        if complete is not None and complete.any():
            completed = complete if completed is None else completed | complete
    return None if completed is None else completed.long() * _COMPLETE


def _without_stuck(ruled: Tensor, over: Tensor | None) -> Tensor | None:
    """Add the rows without an allowed symbol to those that are over, [R]."""
    stuck = ruled.amax(dim=-1) == -torch.inf
    if not stuck.any():
        return over
    if over is None:
        return stuck.long() * _STUCK
    return torch.where(stuck & (over == _LIVE), _STUCK, over)


def _endings(ended: Ended | None, over: Tensor | None) -> tuple[Ending, ...]:
    if ended is None:
        return ()
    reasons = torch.zeros_like(ended.parents) if over is None else over[ended.parents]
    return tuple(_ENDINGS[reason] for reason in torch.where(ended.symbols < 0, reasons, 0).tolist())
