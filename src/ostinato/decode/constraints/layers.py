"""Automata over tokens whose states are pairs, most tokens moving the inner part alone. No PyTorch here.

In a tune the outer part is the bar, the inner one the place in it: hundreds of bars and thousands of places are few
beside the millions of pairs. So each inner part is explored once, and pairs are made by operations on whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import DEAD
from ostinato.decode.constraints.growing import resized
from ostinato.decode.constraints.walking import UNREACHABLE

_INNER_BITS = 32  # of the code of a pair
_INNER = 2**_INNER_BITS - 1


@runtime_checkable
class LayeredAutomaton(Protocol):
    """A constraint over tokens, in layers: states are pairs of an outer and an inner part, both hashable."""

    def begin(self, prompt: Sequence[str]) -> tuple[Hashable, Hashable]:
        """Return the state after the tokens of a prompt."""

    def within(self, inner: Any) -> Mapping[str, Hashable]:
        """Return the inner part after each token that can keep the outer part, for any outer part.

        Such a token is allowed in a state if a text can still end after it.
        """

    def across(self, outer: Any, inner: Any) -> Mapping[str, tuple[Hashable, Hashable]]:
        """Return the state after each token that is allowed and not in ``within``."""

    def ends(self, outer: Any) -> bool:
        """Return whether a text may end in this outer part, with any inner part."""

    def costs_within(self, inner: Any) -> tuple[int, ...]:
        """Return an upper bound on the tokens needed to leave the inner part, in each of several ways."""

    def costs_across(self, outer: Any) -> tuple[int, ...]:
        """Return an upper bound on the tokens needed to end a text after leaving the inner part in each way."""


class LayeredWalk:
    """A layered automaton, walked as far as a search needs; arguments as of ``token_walk``."""

    most_states = 1  # it is walked as needed, not before

    def __init__(self, automaton: LayeredAutomaton, tokens: Sequence[str], symbols: int) -> None:
        self._automaton, self.description = automaton, type(automaton).__name__
        self._ids = {token: id_ for id_, token in enumerate(tokens)}
        self._outer, self._inner = _Parts(automaton.costs_across), _Parts(automaton.costs_within)
        self._rows = np.full((0, symbols), DEAD, dtype=np.int32)  # inner part after every symbol
        self._filled = np.zeros(0, dtype=bool)
        self._ends = np.zeros(0, dtype=bool)  # by outer part
        self._pairs = np.zeros((0, 2), dtype=np.int64)  # the numbers of both parts, by state
        self._numbers: dict[int, int] = {}  # of states, by the codes of their pairs

    def begin(self, prompt: bytes) -> int:
        outer, inner = self._automaton.begin(prompt.decode().split())
        return int(self._numbered(np.array([self._outer.number(outer)]), np.array([self._inner.number(inner)]))[0])

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        outer, inner = self._pairs[states].T
        self._fill(inner)
        after = self._rows[inner].astype(np.int64)
        rows, symbols = np.nonzero(after >= 0)
        kept = self._fewest(outer[rows], after[rows, symbols]) < UNREACHABLE
        rows, symbols = rows[kept], symbols[kept]
        next_states = np.full(after.shape, DEAD, dtype=np.int64)
        leaving = np.array(list(self._leaving(outer, inner)), dtype=np.int64).reshape(-1, 4)
        into = np.stack([rows, symbols, outer[rows], after[rows, symbols]], axis=1)
        rows, symbols, outer, inner = np.concatenate([into, leaving]).T
        next_states[rows, symbols] = self._numbered(outer, inner)
        return next_states

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        accepting: NDArray[np.bool_] = self._ends[self._pairs[states, 0]]
        return accepting

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        outer, inner = self._pairs[states].T
        return self._fewest(outer, inner)

    def _fewest(self, outer: NDArray[np.int64], inner: NDArray[np.int64]) -> NDArray[np.int64]:
        costs = self._outer.costs[outer] + self._inner.costs[inner]
        fewest: NDArray[np.int64] = costs.min(axis=1, initial=UNREACHABLE)
        return fewest

    def _leaving(self, outer: NDArray[np.int64], inner: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
        """Yield row, symbol, and both parts of the state after it, for tokens that are not within the inner part."""
        for row, (out, into) in enumerate(zip(outer.tolist(), inner.tolist(), strict=True)):
            for token, state in self._automaton.across(self._outer.known[out], self._inner.known[into]).items():
                if token in self._ids:
                    yield row, self._ids[token], self._outer.number(state[0]), self._inner.number(state[1])

    def _fill(self, inner: NDArray[np.int64]) -> None:
        """Compute the rows of some inner parts unless they are known."""
        self._grow()
        for number in np.unique(inner[~self._filled[inner]]).tolist():
            numbers: dict[int, int] = {}  # of parts by their identities: many tokens lead to the same one
            row: list[tuple[int, int]] = []
            for token, after in self._automaton.within(self._inner.known[number]).items():
                if token in self._ids:
                    if id(after) not in numbers:
                        numbers[id(after)] = self._inner.number(after)
                    row.append((self._ids[token], numbers[id(after)]))
            self._grow()
            self._filled[number] = True
            if row:
                symbols, parts = zip(*row, strict=True)
                self._rows[number, symbols] = parts

    def _grow(self) -> None:
        """Make room for all inner parts that are known."""
        count = len(self._inner.known)
        if count > len(self._filled):
            self._rows, self._filled = resized(self._rows, 2 * count, DEAD), resized(self._filled, 2 * count, False)

    def _numbered(self, outer: NDArray[np.int64], inner: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of states; new states get new ones."""
        codes, places = np.unique(outer << _INNER_BITS | inner, return_inverse=True)
        known, first = self._numbers, len(self._numbers)
        numbers = np.array([known.setdefault(code, len(known)) for code in codes.tolist()], dtype=np.int64)
        if len(known) > len(self._pairs):
            self._pairs = resized(self._pairs, 2 * len(known), 0)
        new = numbers >= first
        self._pairs[numbers[new]] = np.stack([codes[new] >> _INNER_BITS, codes[new] & _INNER], axis=1)
        for outside in range(len(self._ends), len(self._outer.known)):
            self._ends = np.append(self._ends, self._automaton.ends(self._outer.known[outside]))
        return numbers[places]


class _Parts:
    """Parts of states, numbered in the order in which they come.

    Args:
        costs: Function that gives the costs of a part.

    Attributes:
        known: Parts that have come so far.
        costs: Costs of each part, [N, ways]; rows beyond the known parts are spare.
    """

    def __init__(self, costs: Callable[[Any], tuple[int, ...]]) -> None:
        self._costs_of = costs
        self._numbers: dict[Hashable, int] = {}
        self.known: list[Any] = []
        self.costs = np.zeros((0, 0), dtype=np.int64)

    def number(self, part: Hashable) -> int:
        """Return the number of a part, a new one if it has none."""
        number = self._numbers.setdefault(part, len(self.known))
        if number == len(self.known):
            self.known.append(part)
            costs = self._costs_of(part)
            if number >= len(self.costs):
                old = self.costs if number else np.zeros((0, len(costs)), dtype=np.int64)
                self.costs = resized(old, 2 * number + 16, 0)
            self.costs[number] = costs
        return number
