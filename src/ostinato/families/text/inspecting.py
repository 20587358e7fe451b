"""Looking into language models: recordings of their states, and models some of whose units are held."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ostinato.disk.places import cache_folder
from ostinato.errors import ConfigError
from ostinato.families.text.engines import Engines
from ostinato.families.text.model import TextModel
from ostinato.inspect.clamps import Clamp, clamp_arrays

if TYPE_CHECKING:
    from ostinato.models import SymbolModel

#: Cores whose hidden state is that of the output gate times tanh of the cell, so that a cell can be held.
CELLED = ("lstm", "capped-lstm", "mogrifier")


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
