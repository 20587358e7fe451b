"""An automaton over tokens, for models whose symbols are tokens. No PyTorch here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import DEAD


class TokenAutomaton(Protocol):
    """What constrains tokens: states of any hashable kind, moved by one token at a time."""

    @property
    def start(self) -> Hashable:
        """The state before the first new token."""

    def moves(self, state: Any) -> dict[str, Hashable]:
        """Return the state after each token that is allowed."""

    def accepts(self, state: Any) -> bool:
        """Return whether a text may end here."""

    def fewest(self, state: Any) -> int:
        """Return in how few tokens, at the latest, a text can end."""


class TokenWalk:
    """An automaton over tokens, walked as far as a search comes.

    Args:
        automaton: The automaton.
        tokens: Of every symbol, in the order of ids.
        symbols: How many symbols there are, the end included.
    """

    most_states = 1  # it is walked as needed, not before

    def __init__(self, automaton: TokenAutomaton, tokens: Sequence[str], symbols: int) -> None:
        self._automaton, self._symbols = automaton, symbols
        self.told = type(automaton).__name__
        self._ids = {token: id_ for id_, token in enumerate(tokens)}
        self._states: list[Hashable] = []
        self._numbers: dict[Hashable, int] = {}
        self._numbered(automaton.start)

    def begin(self, prompt: bytes) -> int:
        return 0

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.full((len(states), self._symbols), DEAD, dtype=np.int64)
        for row, number in enumerate(states.tolist()):
            for token, after in self._automaton.moves(self._states[number]).items():
                if token in self._ids:
                    found[row, self._ids[token]] = self._numbered(after)
        return found

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array([self._automaton.accepts(self._states[number]) for number in states.tolist()], dtype=bool)

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([self._automaton.fewest(self._states[number]) for number in states.tolist()], dtype=np.int64)

    def _numbered(self, state: Hashable) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]
