"""Automata over characters and bytes, walked by whole symbols of a vocabulary. No PyTorch here."""

from __future__ import annotations

import string
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import DEAD, ByteTable

_WALKED = 4096  # states of a user's automaton: each takes a call for every symbol
_USUAL_CHARACTERS = string.printable.replace("\r", "").replace("\x0b", "").replace("\x0c", "")


class Walk(Protocol):
    """An automaton that reads whole symbols. Its states are numbers, given on demand."""

    @property
    def description(self) -> str:
        """Description of the constraint, for messages."""

    @property
    def most_states(self) -> int | None:
        """Most states worth exploring before the search, where ``fewest`` is known; ``None``: any number."""

    def begin(self, prompt: bytes) -> int:
        """Return the state after a prompt."""

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the state after every symbol, [F, V], for states [F]; ``DEAD`` where it is not allowed."""

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether a text may end in each state, [F]."""

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return an upper bound on the symbols needed to reach acceptance, [F]; ``None`` where none is known."""


class TableWalk:
    """A byte table, walked over all symbols at once, a byte of each at a time.

    Args:
        table: The automaton.
        pieces: The bytes of every symbol.
    """

    def __init__(self, table: ByteTable, pieces: Sequence[bytes]) -> None:
        self.description, self.most_states = table.description, None
        self._begin = table.begin
        # One more state, the dead one, to which index -1 leads and from which nothing leads away.
        self._next = np.vstack([table.next, np.full((1, 256), DEAD, dtype=np.int32)])
        self._accepts = table.accepts
        self._lengths = np.array([len(piece) for piece in pieces])
        longest = int(self._lengths.max(initial=0))
        self._bytes = np.zeros((len(pieces), longest), dtype=np.uint8)
        for row, piece in enumerate(pieces):
            self._bytes[row, : len(piece)] = np.frombuffer(piece, dtype=np.uint8)
        self._spells = {piece for piece in pieces if len(piece) == 1} >= {bytes([value]) for value in range(256)}
        self._fewest: NDArray[np.int64] | None = None

    def begin(self, prompt: bytes) -> int:
        return 0 if self._begin is None else self._begin(prompt)

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        next_states = np.repeat(states[:, None], len(self._lengths), axis=1)
        for place in range(self._bytes.shape[1]):
            alive = self._lengths > place
            next_states[:, alive] = self._next[next_states[:, alive], self._bytes[alive, place]]
        next_states[:, self._lengths == 0] = DEAD  # a symbol that writes nothing could be repeated without end
        return next_states

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        accepting: NDArray[np.bool_] = self._accepts[states]
        return accepting

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return the fewest bytes to acceptance where every byte is a symbol of its own, else ``None``."""
        if not self._spells:
            return None
        if self._fewest is None:
            self._fewest = fewest_steps(self._next[:-1].astype(np.int64), self._accepts)
        fewest: NDArray[np.int64] = self._fewest[states]
        return fewest


class CharacterWalk:
    """An automaton that a user wrote, walked character by character.

    Where symbols are parts of characters, a state also holds the bytes of an unfinished character.

    Args:
        automaton: The automaton; its ``characters`` and ``fewest`` are optional.
        pieces: The bytes of every symbol.
    """

    def __init__(self, automaton: Any, pieces: Sequence[bytes]) -> None:
        self._automaton, self._pieces = automaton, pieces
        self.description, self.most_states = type(automaton).__name__, _WALKED
        whole = {character for piece in pieces for character in _characters(piece)}
        usual = "".join(whole) if _all_whole(pieces) else _USUAL_CHARACTERS
        self._encodings = {character.encode() for character in _asked(lambda: automaton.characters, usual)}
        self._beginnings = {code[:size] for code in self._encodings for size in range(1, len(code))}
        self._estimate: Callable[[Any], int] | None = _asked(lambda: automaton.fewest, None)
        # Where characters are spelled, each takes as many symbols as it has bytes.
        self._longest = 1 if _all_whole(pieces) else max(map(len, self._encodings), default=1)
        self._states: list[tuple[Any, bytes]] = []
        self._numbers: dict[tuple[Hashable, bytes], int] = {}
        self._numbered((automaton.start, b""))

    def begin(self, prompt: bytes) -> int:
        return 0

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.array([[self._after(number, piece) for piece in self._pieces] for number in states.tolist()])

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        pairs = [self._states[number] for number in states.tolist()]
        return np.array([not rest and self._automaton.accepts(state) for state, rest in pairs], dtype=bool)

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64] | None:
        if self._estimate is None:
            return None
        pairs = [self._states[number] for number in states.tolist()]
        return np.array([self._distance(state, rest) for state, rest in pairs], dtype=np.int64)

    def _distance(self, state: Any, rest: bytes) -> int:
        """Return an upper bound on the symbols needed to reach acceptance, also from within a character."""
        assert self._estimate is not None
        if not rest:
            return self._longest * self._estimate(state)
        ways = [
            len(code) - len(rest) + self._longest * self._estimate(after)
            for code in self._encodings
            if code.startswith(rest) and (after := self._automaton.step(state, code.decode())) is not None
        ]
        return min(ways, default=UNREACHABLE)

    def _after(self, number: int, piece: bytes) -> int:
        state, rest = self._states[number]
        if not piece:
            return DEAD
        for value in piece:
            rest += bytes([value])
            if rest in self._encodings:
                state, rest = self._automaton.step(state, rest.decode()), b""
                if state is None:
                    return DEAD
            elif rest not in self._beginnings:
                return DEAD
        return self._numbered((state, rest))

    def _numbered(self, state: tuple[Hashable, bytes]) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]


class Both:
    """Two constraints at once: the product of their automata.

    Args:
        first: One of them.
        second: The other.
    """

    def __init__(self, first: Walk, second: Walk) -> None:
        self._parts = (first, second)
        self.description, self.most_states = f"{first.description} and {second.description}", None
        self._pairs: list[tuple[int, int]] = []
        self._numbers: dict[int, int] = {}

    def begin(self, prompt: bytes) -> int:
        first, second = (part.begin(prompt) for part in self._parts)
        return int(self._numbered(np.array([first]), np.array([second]))[0])

    def move(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        first, second = (part.move(own) for part, own in zip(self._parts, self._own(states), strict=True))
        alive = (first >= 0) & (second >= 0)
        next_states = np.full(first.shape, DEAD, dtype=np.int64)
        next_states[alive] = self._numbered(first[alive], second[alive])
        return next_states

    def accepts(self, states: NDArray[np.int64]) -> NDArray[np.bool_]:
        first, second = (part.accepts(own) for part, own in zip(self._parts, self._own(states), strict=True))
        return first & second

    def fewest(self, states: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return None  # what leads one to acceptance may lead the other away

    def _own(self, states: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs = np.array([self._pairs[number] for number in states.tolist()], dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _numbered(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        keys, places = np.unique(first << 32 | second, return_inverse=True)
        for key in keys.tolist():
            if key not in self._numbers:
                self._numbers[key] = len(self._pairs)
                self._pairs.append((key >> 32, key & 0xFFFFFFFF))
        numbers = np.array([self._numbers[key] for key in keys.tolist()], dtype=np.int64)
        return numbers[places]


#: More steps than any text has: acceptance cannot be reached.
UNREACHABLE = 2**40


def fewest_steps(next_states: NDArray[np.int64], accepts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the fewest moves from each state to an accepting one, [S]; ``UNREACHABLE`` where none can be reached.

    Args:
        next_states: State after each move, [S, N]; ``DEAD`` is none.
        accepts: Whether each state accepts, [S].
    """
    sources, moves = np.nonzero(next_states >= 0)
    targets = next_states[sources, moves]
    order = np.argsort(targets, kind="stable")
    sources, counts = sources[order], np.bincount(targets, minlength=len(accepts))
    firsts = np.concatenate([[0], np.cumsum(counts)])
    steps = np.where(accepts, 0, UNREACHABLE).astype(np.int64)
    frontier = np.flatnonzero(accepts)
    distance = 0
    while len(frontier):  # breadth first, backwards
        distance += 1
        before = np.concatenate([sources[firsts[state] : firsts[state + 1]] for state in frontier.tolist()])
        frontier = np.unique(before[steps[before] == UNREACHABLE])
        steps[frontier] = distance
    return steps


def _asked(attribute: Callable[[], Any], default: Any) -> Any:
    """Return an attribute that an automaton may leave out, or a default."""
    try:
        value = attribute()
    except AttributeError:
        return default
    return default if value is None else value


def _characters(piece: bytes) -> str:
    return piece.decode(errors="ignore")


def _all_whole(pieces: Sequence[bytes]) -> bool:
    return all(_characters(piece).encode() == piece for piece in pieces)
