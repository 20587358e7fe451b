"""A model of counts, which learns from every symbol that it reads; mixtures and reports use it beside a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.config import at_least
from ostinato.engine.block import ARRAYS, fill_block
from ostinato.engine.cpu import choose_instructions
from ostinato.engine.kernels import Compiling, Kernels

#: The kernels that a model of counts runs.
COUNT_KERNELS = ("count", "move_contexts")
ORDER = 8

_TABLE = ("context_keys", "context_heads", "context_totals", "context_types")
_NODES = ("node_symbols", "node_counts", "node_next")
_CHUNK = 2**13  # symbols in one call
_NUMBERS = 2**22  # log-probabilities in one call at most
_FULL = 0.7  # of a table: with more, places are long looked for
_EMPTY = -1


class CountModel:
    """Interpolated counts of what followed each context of 0 to K symbols.

    With c(h, s) how often s was counted after h, t(h) how many different symbols were, and d_k a discount:

        P_k(s | h) = (max(0, c(h, s) - d_k) + d_k t(h) P_{k-1}(s | h without its first symbol)) / sum_s c(h, s)

    and P_{-1} uniform. A symbol is counted after the longest context and after shorter ones down to the first that has
    seen it already: so short contexts count in how many longer ones a symbol stood, as Kneser and Ney do.

    Args:
        symbols: Number of symbols V; the id V stands for nothing, before a text.
        order: Length K of the longest context.
        end: Symbol that ends an item; contexts do not reach back past it. ``None``: all is one text.
        folder: Folder where compiled code is kept.
        compiling: Called before something is compiled, with its description.

    Raises:
        EngineError: The kernels cannot be compiled here.

    Source: Kneser and Ney 1995 (counts of contexts); Cleary and Witten 1984 and Moffat 1990 (prediction by partial
    matching, update exclusion); the discounts are our own, chosen on texts that nothing is reported on.
    """

    def __init__(
        self,
        symbols: int,
        *,
        order: int = ORDER,
        end: int | None = None,
        folder: Path | None = None,
        compiling: Compiling | None = None,
    ) -> None:
        at_least("order", order, 0)
        self.symbols, self.order, self._end = symbols, order, end
        self._kernels = Kernels(choose_instructions(), "fp32", folder, compiling)
        for name in COUNT_KERNELS:
            self._kernels[name]
        self._discounts = 1 - 0.5 * 0.8 ** np.arange(order + 1)
        self._arrays: dict[str, NDArray[Any]] = {"tally": np.zeros(2, dtype=np.int64)}
        self._arrays |= _room(_TABLE, 2**14) | _room(_NODES, 2**13)
        self._before = np.full(order, symbols, dtype=np.int64)

    def begin(self) -> None:
        """Start a new text, with nothing before it. The counts stay."""
        self._before = np.full(self.order, self.symbols, dtype=np.int64)

    def learn(self, ids: NDArray[Any]) -> None:
        """Learn from symbols [N] that follow what was read before."""
        for start in range(0, len(ids), _CHUNK):
            self._read(ids[start : start + _CHUNK], np.zeros(0))

    def log_probs(self, ids: NDArray[Any]) -> NDArray[np.float64]:
        """Return the log-probability of every symbol at each position, [N, V], and learn each symbol after that."""
        log_probs = np.empty((len(ids), self.symbols))
        at_once = max(1, min(_CHUNK, _NUMBERS // self.symbols))
        for start in range(0, len(ids), at_once):
            part = log_probs[start : start + at_once]
            self._read(ids[start : start + at_once], part.reshape(-1))
        return log_probs

    @property
    def contexts(self) -> int:
        """Number of different contexts that have been seen."""
        return int(self._arrays["tally"][0])

    @property
    def nbytes(self) -> int:
        """Memory of the counts, in bytes."""
        return sum(array.nbytes for array in self._arrays.values())

    def _read(self, ids: NDArray[Any], log_probs: NDArray[np.float64]) -> None:
        self._make_room(len(ids) * (self.order + 1))
        whole = np.concatenate([self._before, ids.astype(np.int64)])
        arrays = {
            **self._arrays,
            "ids": whole,
            "slots": np.empty(2 * (self.order + 1), dtype=np.int64),
            "discounts": self._discounts,
            "work": np.empty(self.symbols),
            "log_probs": log_probs,
        }
        end = -1 if self._end is None else self._end
        numbers = {"steps": len(ids), "width": self.symbols, "count": self.order, "end": end}
        self._kernels["count"](fill_block(arrays, numbers, "fp32"))
        self._before = whole[len(whole) - self.order :]

    def _make_room(self, more: int) -> None:
        contexts, nodes = self._arrays["tally"].tolist()
        size, room = len(self._arrays["context_keys"]), len(self._arrays["node_next"])
        if contexts + more > _FULL * size:
            while contexts + more > _FULL * size:
                size *= 2
            old = {name.replace("context", "old"): self._arrays[name] for name in _TABLE}
            self._arrays |= _room(_TABLE, size)
            self._kernels["move_contexts"](fill_block({**self._arrays, **old}, {}, "fp32"))
        if nodes + 2 * more > room:
            larger = _room(_NODES, max(2 * room, nodes + 2 * more))
            for name, array in larger.items():
                array[:nodes] = self._arrays[name][:nodes]
            self._arrays |= larger


def _room(names: tuple[str, ...], size: int) -> dict[str, NDArray[Any]]:
    return {name: np.full(size, _EMPTY if name == "context_heads" else 0, dtype=ARRAYS[name]) for name in names}
