"""Rules that read an automaton's table: the constraint, and stop strings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ostinato.decode.constraints.stopping import stop_table
from ostinato.decode.constraints.table import SymbolTable
from ostinato.decode.constraints.walking import UNREACHABLE
from ostinato.decode.rules.base import At

if TYPE_CHECKING:
    from torch import Tensor


class Constraint:
    """Forbid every symbol after which the constraint can no longer be fulfilled within the length.

    The end symbol is allowed where the automaton accepts. In a model without one, a text is complete where the
    automaton accepts and no continuation could be accepted within the length, so it may be shorter than that.
    Every text that ends matches.

    Args:
        table: The constraint over the model's symbols.
        end: The id that ends an item, or ``None``.
    """

    name: ClassVar[str] = "constraint"

    def __init__(self, table: SymbolTable, end: int | None) -> None:
        self.table, self._end = table, end
        self._load()

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Return the number of each row's state, [R] int64."""
        import torch  # settings need none

        # Several rows may go on from each prompt; they come side by side.
        return torch.from_numpy(np.repeat(self.table.starts, len(prompts) // len(self.table.starts)))

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        left = at.length - at.step - 1
        if left >= self._farthest:
            # Far from the limit only what is hopeless is forbidden, the same in a state at all times.
            single = self._single.get(id(state))
            if single is None:
                return logits + self._penalty.index_select(0, state), state
            return (logits if single.penalty is None else logits + single.penalty), state
        return logits.masked_fill(~self._allowed(state, left), -math.inf), state

    def advance(self, symbols: Tensor, state: Tensor) -> Tensor:
        if len(symbols) == 1 and self.table.is_whole:
            single = self._single.get(id(state))
            number = int(state.item()) if single is None else single.number
            return self._single_of(self._next_of(number, int(symbols.item()))).state
        return self._next[state, symbols].long()

    def may_exhaust(self, *, is_first: bool) -> bool:
        return True

    def complete(self, state: Tensor, at: At) -> Tensor | None:
        if self._end is not None:
            return None
        left = at.length - at.step - 1
        if self._final is not None and (left < 0 or left >= self._farthest):
            return self._final[state]
        self._fill(state)
        follows = self._next[state] >= 0 if left < 0 else self._allowed(state, left)
        return self._accepts[state] & ~follows.any(dim=-1)

    def _single_of(self, number: int) -> _Single:
        """Return the tensors of a single row in a state, made once: a look-up is quicker than indexing."""
        if number not in self._singles:
            state = self._first.new_tensor([number])
            penalty = self._penalty[number : number + 1]
            single = self._singles[number] = _Single(number, state, penalty if penalty.any() else None)
            self._single[id(state)] = single
        return self._singles[number]

    def _allowed(self, numbers: Tensor, left: int) -> Tensor:
        """Return the symbols after which acceptance can be reached in ``left`` more, [R, V] bool."""
        self._fill(numbers)
        allowed: Tensor = self._fewest[self._next[numbers].long()] <= left
        if self._end is not None:
            allowed[:, self._end] = self._accepts[numbers]
        return allowed

    def _fill(self, numbers: Tensor) -> None:
        if not self.table.is_whole and self.table.fill(numbers.numpy()):
            self._load()

    def _load(self) -> None:
        """View the table as tensors; for a whole table this is done once."""
        import torch

        table = self.table
        self._next_of = table.next.item  # the quickest way to one number
        self._next, self._accepts = torch.from_numpy(table.next), torch.from_numpy(table.accepts)
        # One more entry, which index -1 reaches.
        self._fewest = torch.from_numpy(np.append(table.fewest, np.iinfo(np.int64).max))
        self._final: Tensor | None = None
        self._first = torch.from_numpy(table.starts)
        self._farthest = math.inf
        self._singles: dict[int, _Single] = {}
        self._single: dict[int, _Single] = {}  # by the identity of the state's tensor, which the first one keeps alive
        if table.is_whole:
            self._final = torch.from_numpy(table.accepts & (table.next < 0).all(axis=1))
            self._farthest = float(table.fewest[table.fewest < UNREACHABLE].max(initial=0))
            allowed = self._next >= 0
            if self._end is not None:
                allowed[:, self._end] = self._accepts
            self._penalty = torch.zeros(allowed.shape, dtype=torch.float64).masked_fill(~allowed, -math.inf)


class _Single(NamedTuple):
    """A state of a single row: its number, also as a tensor [1] int64, and its penalty [1, V] or ``None``."""

    number: int
    state: Tensor
    penalty: Tensor | None


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

        moved, matches = stop_table(strings, pieces)
        self._next, self._found = torch.from_numpy(moved), torch.from_numpy(matches)

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        import torch

        return torch.zeros(len(prompts), dtype=torch.int64)

    def apply(self, logits: Tensor, state: Tensor, at: At) -> tuple[Tensor, Tensor]:
        return logits, state

    def advance(self, symbols: Tensor, state: Tensor) -> Tensor:
        return self._next[state, symbols]

    def may_exhaust(self, *, is_first: bool) -> bool:
        return False

    def complete(self, state: Tensor, at: At) -> Tensor | None:
        return self._found[state]
