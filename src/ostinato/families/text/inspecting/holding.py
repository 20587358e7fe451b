"""Language models some of whose units are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ostinato.codecs import Unknown
from ostinato.data import Corpus
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.recording import check_single, held_out, ids_of, record_all
from ostinato.families.text.model import TextModel
from ostinato.inspect.clamps import PARTS, Clamp, check_clamp, check_unit, clamp_arrays

if TYPE_CHECKING:
    from ostinato.engine.clamps import Clamps
    from ostinato.models import SymbolModel
    from ostinato.training.adaptation import Adaptation
    from ostinato.training.evaluation import Ticker

SEARCHED = 20_000  # symbols over which means are taken
#: Cores whose hidden state is that of the output gate times tanh of the cell, so that a cell can be held.
CELLED = ("lstm", "capped-lstm", "mogrifier")


class HeldTextModel(TextModel):
    """A language model some of whose units are held; ``with`` gives it a name for a while.

    Hidden states and cells are held by compiled code and by PyTorch, gates by PyTorch alone.

    Args:
        model: The model.
        clamps: The clamps.

    Raises:
        ConfigError: There is no such unit or gate, or the model is an ensemble.
    """

    def __init__(self, model: TextModel, clamps: Sequence[Clamp]) -> None:
        check_single(model)
        super().__init__(model.saved, machine=model.machine)
        settings = self.members[0].settings
        before = model.held if isinstance(model, HeldTextModel) else ()
        self.held: tuple[Clamp, ...] = (*before, *at_means(model, clamps))
        self.gates = tuple(clamp for clamp in self.held if clamp.part not in PARTS)
        sizes = {"layers": settings.layers, "units": settings.hidden_size}
        for clamp in self.gates:
            check_clamp(clamp, **sizes)
        states = [clamp for clamp in self.held if clamp.part in PARTS]
        self.clamps = clamp_arrays(states, **sizes, has_cell=settings.core in CELLED)
        reason = f"only PyTorch holds {self.gates[0].part}" if self.gates else ""
        self.engines = model.engines.held(self.clamps, reason)
        if self.gates:  # a gate that is not there is said at once
            self.network = held_by_torch(super().network, self.clamps, self.gates)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return

    @cached_property
    def network(self) -> SymbolModel:
        """The PyTorch network, its units held."""
        return held_by_torch(super().network, self.clamps, self.gates)

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


def at_means(model: TextModel, clamps: Sequence[Clamp]) -> list[Clamp]:
    """Return clamps with those that ablate a unit held at its mean, over the beginning of what the run held out.

    Raises:
        ConfigError: There is no such unit, or no held-out part.
    """
    ablated = [clamp for clamp in clamps if clamp.ablated]
    if not ablated:
        return list(clamps)
    settings = model.settings
    for clamp in ablated:
        check_unit(clamp.layer, clamp.unit, layers=settings.layers, units=settings.hidden_size)
    texts, _ = held_out(model, SEARCHED, several=True)
    ids = [ids_of(model, text, "error") for text in ([texts] if isinstance(texts, str) else texts)]
    recording = record_all(model, ids, taps=sorted({clamp.part for clamp in ablated} - set(PARTS)), logits=False)
    if missing := {clamp.part for clamp in ablated} - set(recording.parts):
        raise ConfigError(f"there is no part {min(missing)!r} to hold; there are {', '.join(recording.parts)}")
    means = {clamp: float(recording.arrays[clamp.part][:, clamp.layer, clamp.unit].mean()) for clamp in ablated}
    return [replace(one, value=means[one], ablated=False) if one.ablated else one for one in clamps]


def held_by_torch(network: SymbolModel, clamps: Clamps, gates: Sequence[Clamp]) -> SymbolModel:
    """Return a network in PyTorch with units held.

    Raises:
        ConfigError: There is no such gate.
    """
    from ostinato.inspect.held_cores import held_network

    return held_network(network, clamps, gates)
