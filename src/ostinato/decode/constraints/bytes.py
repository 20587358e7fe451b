"""A finite automaton over bytes, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: No state: what would follow is not allowed.
DEAD = -1
BYTES = 256


@dataclass(frozen=True)
class ByteTable:
    """A finite automaton over bytes.

    Attributes:
        next: State after each byte, [S, 256] int32; ``DEAD`` where it is not allowed. State 0 is the start.
        accepts: Whether a text may end in each state, [S].
        description: Description of the constraint, for messages.
        begin: Function that gives the state after a prompt; ``None``: the constraint begins after the prompt.
    """

    next: NDArray[np.int32]
    accepts: NDArray[np.bool_]
    description: str
    begin: Callable[[bytes], int] | None = field(default=None, compare=False)
