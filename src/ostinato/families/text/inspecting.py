"""Looking into language models: recordings of their states, and models some of whose units are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Unknown
from ostinato.cores.table import CORES
from ostinato.data import Corpus, encode_texts
from ostinato.disk.places import cache_folder
from ostinato.engine.engine import Recorded
from ostinato.errors import ConfigError
from ostinato.families.text.engines import Engines
from ostinato.families.text.model import TextModel
from ostinato.inspect.clamps import Clamp, clamp_arrays
from ostinato.inspect.finding import FoundUnit, changes, find_units
from ostinato.inspect.labels import Labels
from ostinato.inspect.recording import Recording

if TYPE_CHECKING:
    from ostinato.models import SymbolModel
    from ostinato.training.adaptation import Adaptation
    from ostinato.training.evaluation import Ticker

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
    _check_core(model)
    ids = encode_texts(model.codec, [model.codec.adapt(text, unknown)]).ids.astype(np.int64)
    if not len(ids):
        raise ConfigError("there is nothing to look at: the text is empty")
    engine = model.engines.to_score()
    arrays = _by_steps(model.network, ids) if engine is None else _by_engine(engine.record(ids))
    pieces, end = model.codec.pieces, model.codec.end
    symbols = tuple("" if one == end else pieces[one].decode(errors="backslashreplace") for one in ids.tolist())
    return Recording(symbols, ids, arrays)


def _check_core(model: TextModel) -> None:
    """Check that the state of a model's core is its output.

    Raises:
        ConfigError: It is not.
    """
    if CORES[model.settings.core].has_output:
        raise ConfigError(
            f"units of the core {model.settings.core!r} cannot be looked at: its state is not what its units put out"
        )


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
            states.append([one[0] if type(one) is tuple else one for one in state])  # of a held core: its own
            guesses.append(log_probs[0])
    leaves = [[one if isinstance(one, torch.Tensor) else one.hidden for one in own] for own in states]
    arrays = {"hidden": torch.stack([torch.cat(own) for own in leaves])}
    if all(isinstance(one, LSTMState) for one in states[0]):
        arrays["cell"] = torch.stack([torch.cat([one.cell for one in own]) for own in states])
    return {name: array.float().cpu().numpy() for name, array in {**arrays, "logits": torch.stack(guesses)}.items()}


def find(
    model: TextModel, text: str, labels: Mapping[str, Labels], *, count: int = 5, unknown: Unknown = "error"
) -> list[FoundUnit]:
    """Return the units that tell labels best: some for each label, best first.

    Of several labels, those that hardly change in the text are left out.

    Args:
        model: The model.
        text: The text.
        labels: A number for each character of the text, by the name of the label.
        count: Number of units for each label.
        unknown: Treatment of symbols that the model does not know.

    Raises:
        ConfigError: A label is nearly the same everywhere, or the text is too short.
    """
    recording = record(model, text, unknown)
    values, places = recording.of_units()
    of_symbols = {name: recording.labels_of(own) for name, own in labels.items()}
    telling = {name: own for name, own in of_symbols.items() if len(labels) == 1 or changes(own)}
    if not telling:
        raise ConfigError(f"none of the labels {', '.join(labels)} changes enough in this text; give another")
    return [one for name, own in telling.items() for one in find_units(values, places, own, name, count=count)]


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
        _check_core(model)
        super().__init__(model.saved, machine=model.machine)
        settings = self.members[0].settings
        self.held: tuple[Clamp, ...] = (*(model.held if isinstance(model, HeldTextModel) else ()), *clamps)
        self.clamps = clamp_arrays(
            self.held, layers=settings.layers, units=settings.hidden_size, has_cell=settings.core in CELLED
        )
        self.engines = Engines(self.members, folder=cache_folder(), clamps=self.clamps, **self._options)

    @cached_property
    def network(self) -> SymbolModel:
        """The PyTorch network, its units held."""
        from ostinato.inspect.held_cores import held_network

        return held_network(super().network, self.clamps)

    def adapted(
        self,
        texts: Sequence[str] | Corpus,
        adaptation: Adaptation | None = None,
        *,
        unknown: Unknown = "error",
        tick: Ticker | None = None,
    ) -> TextModel:
        """Refuse: weights are adapted of the model as it is.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError("a model with held units is not adapted; adapt the model, then hold its units")

    def export(self, path: str | Path) -> None:
        """Refuse: a file holds weights, and no clamps.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError("a model with held units is not exported: a file holds weights, and no clamps")
