"""Rules that read an automaton's table: the constraint, and stop strings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ostinato.decode.constraints.automata import ByteTable, string_matcher
from ostinato.decode.constraints.table import SymbolTable
from ostinato.decode.constraints.walking import TableWalk
from ostinato.decode.rules.base import At

if TYPE_CHECKING:
    from torch import Tensor


class ConstraintState(NamedTuple):
    """Where each row is: the number of its state, [R] int64, and the log of what was kept of the mass so far, [R]."""

    numbers: Tensor
    kept: Tensor


class Constraint:
    """Forbid every symbol after which the constraint can no longer be fulfilled within the length.

    The end symbol is allowed where the automaton accepts. In a model without one, a text is complete where
    the automaton accepts and nothing can follow. So every text that ends matches.

    Args:
        table: The constraint over the model's symbols.
        end: The id that ends an item, or ``None``.
    """

    name: ClassVar[str] = "constraint"

    def __init__(self, table: SymbolTable, end: int | None) -> None:
        self.table, self._end = table, end
        self._load()

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> ConstraintState:
        import torch  # settings need none

        # Several rows may go on from each prompt; they come side by side.
        numbers = torch.from_numpy(np.repeat(self.table.starts, len(prompts) // len(self.table.starts)))
        return ConstraintState(numbers, torch.zeros(len(prompts), dtype=torch.float64))

    def apply(self, logits: Tensor, state: ConstraintState, at: At) -> tuple[Tensor, ConstraintState]:
        self._fill(state.numbers)
        after = self._next.index_select(0, state.numbers)  # [R, V]
        left = at.length - at.step - 1
        # Far from the limit only what is dead is forbidden; a whole table has no hopeless state left.
        allowed = after >= 0 if left >= self._farthest else self._fewest[after.long()] <= left
        if self._end is not None:
            allowed[:, self._end] = self._accepts[state.numbers]
        weights = logits.exp()
        kept = (weights * allowed).sum(dim=-1) / weights.sum(dim=-1)
        return logits.masked_fill(~allowed, -math.inf), ConstraintState(state.numbers, state.kept + kept.log())

    def advance(self, symbols: Tensor, state: ConstraintState) -> ConstraintState:
        return ConstraintState(self._next[state.numbers, symbols].long(), state.kept)

    def complete(self, state: ConstraintState) -> Tensor | None:
        if self._end is not None:
            return None
        if self._final is not None:
            return self._final[state.numbers]
        self._fill(state.numbers)
        return self._accepts[state.numbers] & (self._next[state.numbers] < 0).all(dim=-1)

    def _fill(self, numbers: Tensor) -> None:
        if self.table.fill(numbers.numpy()):
            self._load()

    def _load(self) -> None:
        """See the table as tensors; where it is whole this is done once."""
        import torch

        table = self.table
        self._next, self._accepts = torch.from_numpy(table.next), torch.from_numpy(table.accepts)
        # One more entry, which index -1 reaches.
        self._fewest = torch.from_numpy(np.append(table.fewest, np.iinfo(np.int64).max))
        final = table.accepts & (table.next < 0).all(axis=1) if table.is_whole else None
        self._final = None if final is None else torch.from_numpy(final)
        finite = table.fewest[table.fewest < 2**40]
        self._farthest = int(finite.max(initial=0)) if table.is_whole else math.inf


class Stops:
    """End a text when a stop string has been written; nothing is forbidden.

    Args:
        strings: The stop strings.
        pieces: The bytes of every symbol.

    Raises:
        ConfigError: A string is empty.
    """

    name: ClassVar[str] = "stop"

    def __init__(self, strings: Sequence[str], pieces: Sequence[bytes]) -> None:
        import torch

        table, found = string_matcher(strings, "stop")
        table[found] = np.flatnonzero(found)[:, None]  # what has stopped stays so
        walk = TableWalk(ByteTable(table, found, "stop"), pieces)
        moved = walk.move(np.arange(len(found)))
        empty = np.array([not piece for piece in pieces])
        moved[:, empty] = np.arange(len(found))[:, None]
        self._next, self._found = torch.from_numpy(moved), torch.from_numpy(found)

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        import torch

        return torch.zeros(len(prompts), dtype=torch.int64)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        return logits, state

    def advance(self, symbols: Tensor, state: Tensor) -> Tensor:
        return self._next[state, symbols]

    def complete(self, state: Tensor) -> Tensor | None:
        return self._found[state]
