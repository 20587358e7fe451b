"""Stop strings as an automaton over symbols. No PyTorch here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.constraints.automata import string_matcher
from ostinato.decode.constraints.bytes import ByteTable
from ostinato.decode.constraints.walking import TableWalk


def stop_table(strings: Sequence[str], pieces: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the state after every symbol, [S, V], and whether a string has been written, [S]; state 0 is the start.

    Args:
        strings: The stop strings.
        pieces: The bytes of every symbol.

    Raises:
        ConfigError: A string is empty, or there is none.
    """
    table, matches = string_matcher(strings, "stop")
    table[matches] = np.flatnonzero(matches)[:, None]  # what has stopped stays so
    moved = TableWalk(ByteTable(table, matches, "stop"), pieces).move(np.arange(len(matches)))
    empty = np.array([not piece for piece in pieces])
    moved[:, empty] = np.arange(len(matches))[:, None]
    return moved, matches
