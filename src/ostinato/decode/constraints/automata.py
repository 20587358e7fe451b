"""Automata over the bytes of a text: constraints that do not depend on a vocabulary. No PyTorch here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.bytes import BYTES, DEAD, ByteTable
from ostinato.decode.constraints.patterns import matching
from ostinato.errors import ConfigError

_MOST_STATES = 200_000
_LONG = 30.0  # seconds for an automaton of ours, whose size is known
_WORD = frozenset(range(128, 256)) | frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Automaton(Protocol):
    """A constraint written by a user: states of any hashable kind, moved by one character at a time.

    An automaton may also have ``characters``, a string of all that may occur (default: printable ASCII, tab
    and line end, or the model's alphabet), and ``fewest(state)``, the number of characters in which
    acceptance can be reached; it is needed where there are too many states to explore.
    """

    @property
    def start(self) -> Hashable:
        """The state before the first character."""

    def step(self, state: Any, character: str) -> Hashable | None:
        """Return the state after a character, or ``None`` where it is not allowed."""

    def accepts(self, state: Any) -> bool:
        """Return whether a text may end here."""


def of_words(words: Iterable[str]) -> ByteTable:
    """Return an automaton of texts made of given words, with any ASCII white space and punctuation between them.

    A word in lower case may also stand capitalised or in capitals.

    Raises:
        ConfigError: There is no word.
    """
    forms = {form for word in words for form in _forms(word.strip()) if form}
    if not forms:
        raise ConfigError("the lexicon has no words; give one word per line")
    moves: list[dict[int, int]] = [{}]
    ends = {0}
    for form in sorted(forms):
        node = 0
        for byte in form.encode():
            if byte not in moves[node]:
                moves[node][byte] = len(moves)
                moves.append({})
            node = moves[node][byte]
        ends.add(node)
    if len(moves) > _MOST_STATES:
        raise ConfigError(f"the lexicon is too large: {len(moves):,} beginnings of words; {_MOST_STATES:,} can be held")
    table = np.full((len(moves), BYTES), DEAD, dtype=np.int32)
    separators = [byte for byte in range(128) if byte not in _WORD]
    table[np.ix_(sorted(ends), separators)] = 0
    for node, children in enumerate(moves):
        for byte, child in children.items():
            table[node, byte] = child
    accepts = np.zeros(len(moves), dtype=bool)
    accepts[sorted(ends)] = True
    return ByteTable(table, accepts, "the lexicon")


def balanced(pairs: str = '()[]{}""', depth: int = 4) -> ByteTable:
    """Return an automaton of texts that close every bracket and quote, in order, also those that the prompt left open.

    Args:
        pairs: Opening and closing characters in turn, ASCII; for a quote both are the same.
        depth: Largest number of brackets and quotes open at once.

    Raises:
        ConfigError: The pairs are not valid, or the depth is not from 1 to 6.
    """
    if not pairs or len(pairs) % 2 or not pairs.isascii() or len(set(pairs[::2])) < len(pairs) // 2:
        raise ConfigError(f"brackets must be pairs of ASCII characters such as '()[]', got {pairs!r}")
    if not 1 <= depth <= 6:
        raise ConfigError(f"the depth of brackets must be from 1 to 6, got {depth}")
    opening, closing = pairs[::2].encode(), pairs[1::2].encode()

    def after(stack: tuple[int, ...], byte: int) -> tuple[int, ...] | None:
        if stack and closing[stack[-1]] == byte:
            return stack[:-1]
        if byte in opening:
            return (*stack, opening.index(byte)) if len(stack) < depth else None
        return None if byte in closing else stack

    numbers = _reachable((), lambda stack: (after(stack, byte) for byte in {*opening, *closing}))
    table = np.array([[_number(numbers, after(stack, byte)) for byte in range(BYTES)] for stack in numbers])
    accepts = np.array([not stack for stack in numbers])

    def begin(prompt: bytes) -> int:
        stack: tuple[int, ...] = ()
        for byte in prompt:  # what closes without having been opened, or opens too much, is not ours to mend
            moved = after(stack, byte)
            stack = stack if moved is None else moved
        return numbers[stack]

    return ByteTable(table.astype(np.int32), accepts, f"balanced {pairs}", begin)


def lines_of(most: int) -> ByteTable:
    """Return an automaton of texts whose lines have at most ``most`` characters, also the line that the prompt began.

    Raises:
        ConfigError: ``most`` is not from 1 to 1,000.
    """
    if not 1 <= most <= 1000:
        raise ConfigError(f"the longest line must have from 1 to 1000 characters, got {most}")
    line = f"[^\\n]{{0,{most}}}"
    table = matching(f"({line}\\n)*{line}", seconds=_LONG)

    def begin(prompt: bytes) -> int:
        state = 0
        for byte in prompt.rpartition(b"\n")[2]:
            after = int(table.next[state, byte])
            state = state if after == DEAD else after  # the prompt's line may be too long already
        return state

    return ByteTable(table.next, table.accepts, f"lines of at most {most} characters", begin)


def without(strings: Sequence[str]) -> ByteTable:
    """Return an automaton of texts in which none of some strings occurs, not even one that the prompt began.

    Source of the construction: Aho and Corasick 1975.

    Raises:
        ConfigError: There is no string, or an empty one.
    """
    table, matches = string_matcher(strings, "banned")
    table = np.where(matches[table], DEAD, table).astype(np.int32)

    def begin(prompt: bytes) -> int:
        state = 0
        for byte in prompt[-sum(map(len, strings)) * 4 :]:
            state = max(0, int(table[state, byte]))
        return state

    told = "no " + ", ".join(repr(string) for string in strings)
    return ByteTable(table, ~matches, told, begin)


def string_matcher(strings: Sequence[str], kind: str) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return an automaton that finds strings: state after each byte, [S, 256], and whether a string ends there, [S].

    Raises:
        ConfigError: There is no string, or an empty one.
    """
    if not strings or "" in strings:
        raise ConfigError(f"a {kind} string must have at least one character, got an empty one")
    moves: list[dict[int, int]] = [{}]
    matches = [False]
    for string in strings:
        node = 0
        for byte in string.encode():
            if byte not in moves[node]:
                moves[node][byte] = len(moves)
                moves.append({})
                matches.append(False)
            node = moves[node][byte]
        matches[node] = True
    table = np.zeros((len(moves), BYTES), dtype=np.int32)
    fall = [0] * len(moves)
    waiting = [0]
    for node in waiting:  # breadth first, so that what a node falls back to is there already
        matches[node] = matches[node] or matches[fall[node]]
        table[node] = table[fall[node]] if node else 0
        for byte, child in moves[node].items():
            fall[child] = int(table[node, byte])
            table[node, byte] = child
            waiting.append(child)
    return table, np.array(matches)


def _forms(word: str) -> set[str]:
    return {word, word.capitalize(), word.upper()} if word.islower() else {word}


def _reachable(start: Hashable, after: Callable[[Any], Iterable[Any]]) -> dict[Any, int]:
    numbers = {start: 0}
    waiting = [start]
    for state in waiting:
        for next_state in after(state):
            if next_state is not None and next_state not in numbers:
                numbers[next_state] = len(numbers)
                waiting.append(next_state)
    return numbers


def _number(numbers: dict[Any, int], state: Any) -> int:
    return DEAD if state is None else numbers[state]
