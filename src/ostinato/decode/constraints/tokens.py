"""An automaton over tokens, for models whose symbols are tokens. No PyTorch here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import DEAD
from ostinato.decode.constraints.layers import LayeredAutomaton, LayeredWalk
from ostinato.decode.constraints.table import SymbolTable
from ostinato.decode.constraints.walking import Walk


class TokenAutomaton(Protocol):
    """A constraint over tokens: states of any hashable kind, moved by one token at a time."""

    def begin(self, prompt: Sequence[str]) -> Hashable:
        """Return the state after the tokens of a prompt."""

    def moves(self, state: Any) -> Mapping[str, Hashable]:
        """Return the state after each token that is allowed."""

    def accepts(self, state: Any) -> bool:
        """Return whether a text may end here."""

    def fewest(self, state: Any) -> int:
        """Return an upper bound on the tokens needed to end a text."""


class Remembered:
    """An automaton over tokens whose table is kept from one search to the next, for one model.

    Args:
        automaton: The automaton.
    """

    def __init__(self, automaton: TokenAutomaton | LayeredAutomaton) -> None:
        self.automaton = automaton
        self._table: SymbolTable | None = None

    def table(self, tokens: Sequence[str], symbols: int, end: int | None, prompts: Sequence[bytes]) -> SymbolTable:
        """Return the table, begun after some prompts; arguments as of ``token_walk`` and ``SymbolTable``."""
        if self._table is None or self._table.is_whole:
            self._table = SymbolTable(token_walk(self.automaton, tokens, symbols), symbols, end, prompts)
        else:
            self._table.begin_anew(prompts)
        return self._table


def token_walk(automaton: TokenAutomaton | LayeredAutomaton, tokens: Sequence[str], symbols: int) -> Walk:
    """Return an automaton over tokens as one over symbols.

    Args:
        automaton: The automaton.
        tokens: Token of every symbol, in the order of ids.
        symbols: Number of symbols, the end included.
    """
    if isinstance(automaton, LayeredAutomaton):
        return LayeredWalk(automaton, tokens, symbols)
    return TokenWalk(automaton, tokens, symbols)


class TokenWalk:
    """An automaton over tokens, walked as far as a search needs; arguments as of ``token_walk``."""

    most_states = 1  # it is walked as needed, not before

    def __init__(self, automaton: TokenAutomaton, tokens: Sequence[str], symbols: int) -> None:
        self._automaton, self._symbols = automaton, symbols
        self.description = type(automaton).__name__
        self._ids = {token: id_ for id_, token in enumerate(tokens)}
        self._states: list[Hashable] = []
        self._numbers: dict[Hashable, int] = {}

    def begin(self, prompt: bytes) -> int:
        return self._numbered(self._automaton.begin(prompt.decode().split()))

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        next_states = np.full((len(states), self._symbols), DEAD, dtype=np.int64)
        for row, number in enumerate(states.tolist()):
            numbers: dict[int, int] = {}  # of states by their identities: many tokens lead to the same one
            for token, after in self._automaton.moves(self._states[number]).items():
                if token in self._ids:
                    if id(after) not in numbers:
                        numbers[id(after)] = self._numbered(after)
                    next_states[row, self._ids[token]] = numbers[id(after)]
        return next_states

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array([self._automaton.accepts(self._states[number]) for number in states.tolist()], dtype=bool)

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([self._automaton.fewest(self._states[number]) for number in states.tolist()], dtype=np.int64)

    def _numbered(self, state: Hashable) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]
