"""The cores by their names, as settings call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ostinato.cores.base import Core
from ostinato.cores.capped_lstm import CappedLSTM
from ostinato.cores.elman import Elman
from ostinato.cores.gru import GRU
from ostinato.cores.jordan import Jordan
from ostinato.cores.lstm import LSTM
from ostinato.cores.mingru import MinGRU
from ostinato.cores.minlstm import MinLSTM
from ostinato.cores.mogrifier import MogrifierLSTM
from ostinato.cores.norm_lstm import NormLSTM
from ostinato.errors import unknown_name

_CORES: dict[str, Callable[[int, int], Core[Any]]] = {
    "capped-lstm": lambda I, H: CappedLSTM(I, H),
    "elman": lambda I, H: Elman(I, H),
    "elman-relu": lambda I, H: Elman(I, H, nonlinearity="relu"),
    "gru": lambda I, H: GRU(I, H),
    "lstm": lambda I, H: LSTM(I, H),
    "min-gru": lambda I, H: MinGRU(I, H),
    "min-lstm": lambda I, H: MinLSTM(I, H),
    "mogrifier": lambda I, H: MogrifierLSTM(I, H),
    "norm-lstm": lambda I, H: NormLSTM(I, H),
}
CORES = (*_CORES, "jordan")


def new_core(name: str, input_size: int, hidden_size: int, output_size: int) -> Core[Any]:
    """Build a core by its name; ``output_size`` is for ``"jordan"``, whose output is a layer of its own."""
    if name == "jordan":
        return Jordan(input_size, hidden_size, output_size)
    if name not in _CORES:
        raise unknown_name("core", name, CORES, where="settings")
    return _CORES[name](input_size, hidden_size)
