"""Rules of a compiled search, as the numbers that it reads; ``ostinato.decode.rules`` defines the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Codes of rules.
(
    TEMPERATURE,  # ``a`` points from ``at``: position, temperature
    TOP_K,  # ``a`` is k
    TOP_P,  # ``at``: the mass
    MIN_P,  # ``at``: log of the share
    TYPICAL,  # ``at``: the mass
    EPSILON,  # ``at``: log of the bar
    ETA,  # ``at``: log of the bar
    REPETITION,  # ``at``: the factor
    COUNTS,  # ``at``: presence, frequency
    BIAS,  # V numbers from ``at``
    END,  # ``a``: fewest symbols, -1 forbids; ``at``: the bias
    CONSTRAINT,
) = range(12)
FIELDS = 3  # of a rule: code, a, at

# Numbers of ``Program.facts``.
(
    RULES,  # how many
    WINDOW,  # how many symbols back penalties look; 0: no penalty is on
    END_SYMBOL,  # -1 where there is none
    LENGTH,  # most symbols
    GREEDY,
    ENDS_BY_CONSTRAINT,  # whether a text is complete where nothing more is allowed
    IS_WHOLE,  # whether the constraint's table is
    FACTS,
) = range(8)

# How a row ended; 0 is not yet.
LIVE, END_OF_TEXT, COMPLETE, AT_LENGTH, STUCK, UNKNOWN = range(6)


@dataclass(frozen=True)
class Table:
    """A constraint's automaton over symbols (``ostinato.decode.constraints.SymbolTable``).

    Attributes:
        next: State after every symbol, [S, V] int32; -1 where it is not allowed.
        accepts: Whether a text may end, [S] uint8.
        fewest: Fewest symbols after which one may end, [S] int64.
        known: Whether the state has been filled, [S] uint8.
        starts: State of each row before its first symbol, [R] int64.
        is_whole: Whether all states are known.
    """

    next: NDArray[np.int32]
    accepts: NDArray[np.uint8]
    fewest: NDArray[np.int64]
    known: NDArray[np.uint8]
    starts: NDArray[np.int64]
    is_whole: bool

    @classmethod
    def nothing(cls, rows: int) -> Table:
        """Return a placeholder that nobody reads."""
        flags = np.zeros(1, dtype=np.uint8)
        return cls(
            np.zeros((1, 1), np.int32), flags, np.zeros(1, np.int64), flags, np.zeros(rows, np.int64), is_whole=True
        )


@dataclass
class Program:
    """Rules in the order in which they are applied.

    Attributes:
        symbols: Number of symbols V.
        end: The id that ends an item, or ``None``.
        length: Most symbols of a row.
        greedy: Whether the most probable symbol is taken instead of a drawn one.
        window: Number of symbols that penalties look back, 0 where there are none.
        table: Table of the constraint, if there is one.
        stop_next: State after every symbol in the automaton that finds stop strings, [S, V]; empty: there are none.
        stop_found: Whether a stop string has been written, [S] uint8.
    """

    symbols: int
    end: int | None
    length: int
    greedy: bool = False
    window: int = 0
    table: Table | None = None
    stop_next: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    stop_found: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    _rules: list[tuple[int, int, int]] = field(default_factory=list)
    _numbers: list[float] = field(default_factory=list)

    def add(self, code: int, a: int = 0, numbers: Sequence[float] = ()) -> None:
        """Append a rule."""
        self._rules.append((code, a, len(self._numbers)))
        self._numbers += numbers

    @property
    def rules(self) -> NDArray[np.int64]:
        """Code, ``a`` and ``at`` of each rule, one after another."""
        return np.array(self._rules or [(0, 0, 0)], dtype=np.int64).ravel()

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Numbers of all rules, which ``at`` indexes."""
        return np.array(self._numbers or [0.0])

    @property
    def facts(self) -> NDArray[np.int64]:
        """Numbers that all rules share, by the constants ``RULES`` to ``IS_WHOLE``."""
        facts = np.zeros(FACTS, dtype=np.int64)
        facts[RULES], facts[WINDOW], facts[LENGTH], facts[GREEDY] = (
            len(self._rules),
            self.window,
            self.length,
            self.greedy,
        )
        facts[END_SYMBOL] = -1 if self.end is None else self.end
        facts[ENDS_BY_CONSTRAINT] = self.table is not None and self.end is None
        facts[IS_WHOLE] = self.table is None or self.table.is_whole
        return facts
