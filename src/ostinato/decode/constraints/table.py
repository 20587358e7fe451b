"""The table that a constrained search reads: state after every symbol, and fewest symbols to the end of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import DEAD
from ostinato.decode.constraints.growing import resized
from ostinato.decode.constraints.walking import UNREACHABLE, Walk, fewest_steps
from ostinato.errors import ConfigError

_MOST_ENTRIES = 2**24  # states times symbols that are gone through before a search


class SymbolTable:
    """An automaton over symbols in one array, filled before the search where it is small, else as it is needed.

    Args:
        walk: The automaton.
        symbols: Number of symbols V, the end symbol included if there is one.
        end: The id that ends an item, or ``None``.
        prompts: Bytes of every prompt; texts begin at its end.

    Attributes:
        is_whole: Whether every state is known, so that ``fewest`` is exact.

    Raises:
        ConfigError: No text fulfils the constraint, or it has too many states.
    """

    def __init__(self, walk: Walk, symbols: int, end: int | None, prompts: Sequence[bytes]) -> None:
        self._walk, self._symbols, self._end = walk, symbols, end
        self.description = walk.description
        begins = np.array([walk.begin(prompt) for prompt in prompts], dtype=np.int64)
        self._clear()
        self.starts = self._numbered(begins)
        self.is_whole = self._explore()
        if self.is_whole:
            self._trim()
            return
        self._clear()
        self._resize(max(1, _MOST_ENTRIES // self._symbols))
        self.starts = self._numbered(begins)
        if walk.fewest(begins) is None:
            raise ConfigError(
                f"the constraint ({walk.description}) has more than {self._limit():,} states with this model's "
                f"{symbols} symbols, so whether it can still be fulfilled is not known. Use a simpler one, fewer at "
                "once, or give your automaton a method fewest(state)"
            )
        self._fewest[self.starts] = self._estimated(self.starts)

    def begin_anew(self, prompts: Sequence[bytes]) -> None:
        """Begin after other prompts, keeping all rows that are known. For tables filled as needed."""
        assert not self.is_whole, "a whole table is cheap to make"
        self.starts = self._numbered(np.array([self._walk.begin(prompt) for prompt in prompts], dtype=np.int64))
        self._fewest[self.starts] = self._estimated(self.starts)

    def check(self, length: int) -> None:
        """Check that after every prompt the constraint can be fulfilled in ``length`` symbols.

        Raises:
            ConfigError: It cannot, or that is not certain.
        """
        self.fill(self.starts)
        fewest = int(self._fewest[self.starts].max(initial=0))
        if fewest >= UNREACHABLE:
            raise ConfigError(
                f"no text of this model's symbols fulfils the constraint: {self.description}. Some characters it needs "
                "may not be in the model's vocabulary ('ostinato info RUN' tells)"
            )
        if fewest > length:
            needs = "needs at least" if self.is_whole else "may need up to"
            raise ConfigError(
                f"the constraint ({self.description}) {needs} {fewest} symbols, but the length is {length}; "
                f"use --length {fewest} or more"
            )

    def fill(self, states: NDArray[np.int64]) -> bool:
        """Compute the rows of some states unless they are known; return whether any is new."""
        if self.is_whole:
            return False
        new = np.unique(states[~self._known[states]])
        if len(new):
            reached = self._walked(new)
            self._fewest[reached] = self._estimated(reached)
        return bool(len(new))

    @property
    def next(self) -> NDArray[np.int32]:
        """State after every symbol, [S, V]; ``DEAD`` where it is not allowed. The end's column is always dead.

        Rows that are not ``known`` are undefined.
        """
        return self._next[: self._count]

    @property
    def accepts(self) -> NDArray[np.bool_]:
        """Whether a text may end in each state, [S]."""
        return self._accepts[: self._count]

    @property
    def fewest(self) -> NDArray[np.int64]:
        """Fewest symbols in which a text can end from each state, [S]; ``UNREACHABLE`` where it cannot."""
        return self._fewest[: self._count]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the row of each state has been filled, [S]."""
        return self._known[: self._count]

    def count(self, length: int) -> float:
        """Return the number of sequences of at most ``length`` symbols that fulfil the constraint from the first start.

        They end with the end symbol, or at the length; without an end symbol also where no continuation could
        fulfil the constraint within the length.
        """
        ways = self._accepts.astype(np.float64)
        fewest = np.append(self._fewest, UNREACHABLE)  # index -1 is the dead state
        with np.errstate(over="ignore"):  # more than a float holds is infinitely many
            for left in range(length):
                allowed = fewest[self._next] <= left
                stops = self._accepts if self._end is not None else self._accepts & ~allowed.any(axis=1)
                ways = np.where(allowed, ways[self._next], 0.0).sum(axis=1) + stops
        return float(ways[self.starts[0]])

    def _clear(self) -> None:
        """Forget all states."""
        self._count = 0
        self._next = np.full((0, self._symbols), DEAD, dtype=np.int32)
        self._accepts = np.zeros(0, dtype=bool)
        self._fewest = np.zeros(0, dtype=np.int64)
        self._known = np.zeros(0, dtype=bool)
        # The automaton's own numbers may have gaps; ours have none.
        self._own = np.zeros(0, dtype=np.int64)
        self._numbers = np.full(0, DEAD, dtype=np.int64)

    def _limit(self) -> int:
        """Return the largest number of states to explore."""
        most = max(1, _MOST_ENTRIES // self._symbols)
        if self._walk.most_states is None or self._walk.fewest(self._own[:1]) is None:
            return most
        return min(most, self._walk.most_states)

    def _explore(self) -> bool:
        """Explore all states unless there are too many; return whether it was done."""
        frontier, limit = np.unique(self.starts), self._limit()
        while len(frontier):
            reached = [self._walked(part) for part in np.array_split(frontier, -(-len(frontier) // 1024))]
            if self._count > limit:
                return False
            every = np.unique(np.concatenate(reached))
            frontier = every[~self._known[every]]
        self._resize(self._count)
        self._fewest = fewest_steps(self._next.astype(np.int64), self._accepts)
        return True

    def _walked(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Fill the rows of some states; return the states that they lead to."""
        moved = self._walk.move(self._own[states])
        if self._end is not None:
            moved[:, self._end] = DEAD
        alive = moved >= 0
        moved[alive] = self._numbered(moved[alive])
        self._next[states] = moved
        self._known[states] = True
        return np.unique(moved[alive])

    def _numbered(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return our numbers of the automaton's states; new states get new ones."""
        more = int(own.max(initial=-1)) + 1 - len(self._numbers)
        if more > 0:
            self._numbers = np.concatenate([self._numbers, np.full(max(more, len(self._numbers)), DEAD)])
        new = np.unique(own[self._numbers[own] == DEAD])
        if len(new):
            first, self._count = self._count, self._count + len(new)
            if self._count > len(self._own):
                self._resize(max(self._count, 2 * len(self._own)))
            self._numbers[new] = np.arange(first, self._count)
            self._own[first : self._count] = new
            self._accepts[first : self._count] = self._walk.accepts(new)
        numbers: NDArray[np.int64] = self._numbers[own]
        return numbers

    def _resize(self, rows: int) -> None:
        """Make room for ``rows`` states."""
        known = np.flatnonzero(self._known)
        # Most states are never come to. Their rows stay as memory that nobody has touched, which costs next to nothing.
        more = np.empty((rows, self._symbols), dtype=np.int32)
        more[known] = self._next[known]
        self._own, self._next = resized(self._own, rows, 0), more
        self._accepts, self._known = resized(self._accepts, rows, False), resized(self._known, rows, False)
        self._fewest = resized(self._fewest, rows, UNREACHABLE)

    def _trim(self) -> None:
        """Forbid symbols that lead to states from which no text can end."""
        hopeless = np.append(self._fewest >= UNREACHABLE, False)  # index -1 is the dead state, which is so already
        self._next[hopeless[self._next]] = DEAD

    def _estimated(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        fewest = self._walk.fewest(self._own[states])
        assert fewest is not None
        return fewest
