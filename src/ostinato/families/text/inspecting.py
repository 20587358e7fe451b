"""Looking into language models: recordings of their states, and models some of whose units are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Unknown
from ostinato.data import encode_texts
from ostinato.disk.places import cache_folder
from ostinato.engine.engine import Recorded
from ostinato.errors import ConfigError
from ostinato.families.text.engines import Engines
from ostinato.families.text.model import TextModel
from ostinato.inspect.clamps import Clamp, clamp_arrays
from ostinato.inspect.finding import FoundUnit, find_units
from ostinato.inspect.labels import Labels
from ostinato.inspect.recording import Recording

if TYPE_CHECKING:
    from ostinato.models import SymbolModel

#: Cores whose hidden state is that of the output gate times tanh of the cell, so that a cell can be held.
CELLED = ("lstm", "capped-lstm", "mogrifier")


def record(model: TextModel, text: str, unknown: Unknown = "error") -> Recording:
    """Return every state of a language model over a text, and its guesses.

    Compiled code does it where it has the core, without PyTorch; else PyTorch does, step by step.

    Raises:
        ConfigError: The text is empty, or the model is an ensemble.
        UnknownSymbolError: The text has symbols that the model does not know.
    """
    if len(model.members) > 1:
        raise ConfigError("states are recorded of one model, and this is an ensemble; open its members one by one")
    ids = encode_texts(model.codec, [model.codec.adapt(text, unknown)]).ids.astype(np.int64)
    if not len(ids):
        raise ConfigError("there is nothing to look at: the text is empty")
    engine = model.engines.to_score()
    arrays = _by_steps(model.network, ids) if engine is None else _by_engine(engine.record(ids))
    pieces, end = model.codec.pieces, model.codec.end
    symbols = tuple("" if one == end else pieces[one].decode(errors="backslashreplace") for one in ids.tolist())
    return Recording(symbols, ids, arrays)


def _by_engine(recorded: Recorded) -> dict[str, NDArray[np.float32]]:
    cell = {} if recorded.cell is None else {"cell": recorded.cell}
    return {"hidden": recorded.hidden, **cell, "logits": recorded.logits}


def _by_steps(network: SymbolModel, ids: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    import torch

    from ostinato.cores.lstm import LSTMState

    state, states, guesses = network.initial_state(1), [], []
    with torch.inference_mode():
        for symbol in (network.symbols, *ids.tolist()):
            log_probs, state = network.step(torch.tensor([symbol], device=network.device), state)
            states.append(state)
            guesses.append(log_probs[0])
    leaves = [[one if isinstance(one, torch.Tensor) else one.hidden for one in own] for own in states]
    arrays = {"hidden": torch.stack([torch.cat(own) for own in leaves])}
    if all(isinstance(one, LSTMState) for one in states[0]):
        arrays["cell"] = torch.stack([torch.cat([one.cell for one in own]) for own in states])
    return {name: array.float().cpu().numpy() for name, array in {**arrays, "logits": torch.stack(guesses)}.items()}


def find(model: TextModel, text: str, labels: Mapping[str, Labels], *, count: int = 5) -> list[FoundUnit]:
    """Return the units that tell labels best: some for each label, best first.

    Args:
        model: The model.
        text: The text.
        labels: A number for each character of the text, by the name of the label.
        count: Number of units for each label.

    Raises:
        ConfigError: A label is nearly the same everywhere, or the text is too short.
    """
    recording = record(model, text)
    ends = np.cumsum([len(symbol) for symbol in recording.symbols])
    if ends[-1] != len(text):
        raise ConfigError("labels need a model whose symbols are whole characters of the text, as they stand there")
    at = np.maximum(ends - 1, 0)  # the last character of each symbol
    values, places = recording.of_units()
    return [one for name, own in labels.items() for one in find_units(values, places, own[at], name, count=count)]


class HeldTextModel(TextModel):
    """A language model some of whose units are held.

    Args:
        model: The model.
        clamps: The clamps.

    Raises:
        ConfigError: There is no such unit, or the model is an ensemble.
    """

    def __init__(self, model: TextModel, clamps: Sequence[Clamp]) -> None:
        if len(model.members) > 1:
            raise ConfigError("units are held in one model, and this is an ensemble; open its members one by one")
        super().__init__(model.saved, machine=model.machine)
        settings = self.members[0].settings
        self.clamps = clamp_arrays(
            clamps, layers=settings.layers, units=settings.hidden_size, has_cell=settings.core in CELLED
        )
        self.engines = Engines(self.members, folder=cache_folder(), clamps=self.clamps, **self._options)

    @cached_property
    def network(self) -> SymbolModel:
        """The PyTorch network, its units held."""
        from ostinato.inspect.held_cores import held_network

        return held_network(super().network, self.clamps)
