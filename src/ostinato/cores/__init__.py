"""Cores: recurrences, and the state algebra they live in."""

from ostinato.cores.base import Core, Tap, step_by_step
from ostinato.cores.capped_lstm import CappedLSTM
from ostinato.cores.elman import Elman
from ostinato.cores.forks import most_threads
from ostinato.cores.gru import GRU
from ostinato.cores.jordan import Jordan
from ostinato.cores.lookup import Lookup
from ostinato.cores.lstm import LSTM, LSTMState
from ostinato.cores.mingru import MinGRU
from ostinato.cores.minlstm import MinLSTM
from ostinato.cores.mogrifier import MogrifierLSTM
from ostinato.cores.norm_lstm import NormLSTM
from ostinato.cores.stack import Stack
from ostinato.cores.state import detach, first_tensor, map_state, select_rows, tensors, where_rows

__all__ = [
    "GRU",
    "LSTM",
    "CappedLSTM",
    "Core",
    "Elman",
    "Jordan",
    "LSTMState",
    "Lookup",
    "MinGRU",
    "MinLSTM",
    "MogrifierLSTM",
    "NormLSTM",
    "Stack",
    "Tap",
    "detach",
    "first_tensor",
    "map_state",
    "most_threads",
    "select_rows",
    "step_by_step",
    "tensors",
    "where_rows",
]
