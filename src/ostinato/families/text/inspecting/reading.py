"""Reading on, symbol by symbol: the state of a language model after a text, and after every way to go on from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ostinato.engine.engine import Engine
    from ostinato.engine.state import Carried
    from ostinato.families.text.model import TextModel
    from ostinato.models import SymbolModel

_REMEMBERED = 16  # texts whose states are kept


class Reader(Protocol):
    """Reads texts from a fresh state, and goes on from where it is."""

    def start(self, ids: Sequence[int]) -> Any:
        """Return the state after a text, one row."""

    def step(self, state: Any, rows: Sequence[int], symbols: Sequence[int]) -> Any:
        """Return the states after one more symbol each; row i goes on from row ``rows[i]`` of the state."""

    def log_probs(self, state: Any) -> NDArray[np.float64]:
        """Return the log-probabilities of the next symbols, [rows, V]."""


def reader_of(model: TextModel) -> Reader:
    """Return a reader of a model: compiled code where that has it, else PyTorch; both in float32."""
    engine = model.engines.to_score()
    return TorchReader(model.network) if engine is None else CompiledReader(engine)


class CompiledReader:
    """Reader by compiled code. It remembers a few states, so that a text that grows is not read again from the front.

    Args:
        engine: The engine, in float32.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: list[tuple[tuple[int, ...], Carried]] = []  # the last one at the end

    def start(self, ids: Sequence[int]) -> Carried:
        whole = tuple(ids)
        known, state = max(
            (one for one in self._read if whole[: len(one[0])] == one[0]),
            key=lambda one: len(one[0]),
            default=((), None),
        )
        if state is None:
            state = self._engine.start([whole])
        elif len(known) < len(whole):
            state = self._engine.read_on(state, [whole[len(known) :]])
        others = [one for one in self._read if one[0] != whole]
        self._read = [*others[1 - _REMEMBERED :], (whole, state)]
        return state

    def step(self, state: Carried, rows: Sequence[int], symbols: Sequence[int]) -> Carried:
        return self._engine.read_on(state.take(rows), [(symbol,) for symbol in symbols])

    def log_probs(self, state: Carried) -> NDArray[np.float64]:
        logits = state.logits[:, : self._engine.model.symbols].astype(np.float64)
        return np.asarray(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


class TorchReader:
    """Reader by PyTorch.

    Args:
        network: The network, in evaluation mode.
    """

    def __init__(self, network: SymbolModel) -> None:
        from ostinato.decode.stepping import LanguageModelStepper

        self._stepper = LanguageModelStepper(network)

    def start(self, ids: Sequence[int]) -> Any:
        return self._stepper.start([list(ids)])

    def step(self, state: Any, rows: Sequence[int], symbols: Sequence[int]) -> Any:
        import torch

        from ostinato.cores.state import select_rows

        return self._stepper.step(torch.tensor(symbols), select_rows(state[1], torch.tensor(rows)))

    def log_probs(self, state: Any) -> NDArray[np.float64]:
        log_probs: NDArray[np.float64] = state[0].double().numpy()
        return log_probs
