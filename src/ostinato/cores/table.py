"""The table of cores: for each name that settings use, its class and the shapes of its weights. No PyTorch here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from ostinato.errors import unknown_name

if TYPE_CHECKING:
    from ostinato.cores.base import Core

Shapes: TypeAlias = dict[str, tuple[int, ...]]
MOGRIFIER_ROUNDS = 5  # unless told otherwise


@dataclass(frozen=True)
class CoreEntry:
    """A core in the table.

    Attributes:
        path: Its module in ``ostinato.cores`` and its class; empty: ``made_by`` makes it.
        shapes: Shapes of its weights by name, for widths I of an input, H of the state and O of the output.
        options: Further arguments of its class.
        has_output: Whether its output is a layer of its own, of width O, and not the state.
        made_by: Makes the core of widths I and H: the class of a core that is registered from elsewhere.
    """

    path: str
    shapes: Callable[[int, int, int], Shapes]
    options: Mapping[str, Any] = field(default_factory=dict)
    has_output: bool = False
    made_by: Callable[..., Any] | None = None

    def build(self, input_size: int, hidden_size: int, output_size: int) -> Core[Any]:
        """Build the core, with weights drawn from PyTorch's present random state."""
        sizes = (input_size, hidden_size, output_size) if self.has_output else (input_size, hidden_size)
        made_by = self.made_by or self._class()
        core: Core[Any] = made_by(*sizes, **self.options)
        return core

    def _class(self) -> Callable[..., Any]:
        module, name = self.path.split(".")
        made_by: Callable[..., Any] = vars(import_module(f"ostinato.cores.{module}"))[name]
        return made_by


def _gated(gates: int, *, recurrent: bool = True) -> Callable[[int, int, int], Shapes]:
    """Shapes of a core whose gates are sums of two products and a bias."""

    def shapes(I: int, H: int, O: int) -> Shapes:
        own: Shapes = {"weight_ih": (gates * H, I), "bias": (gates * H,)}
        return own | {"weight_hh": (gates * H, H)} if recurrent else own

    return shapes


def _gru(I: int, H: int, O: int) -> Shapes:
    return _gated(3)(I, H, O) | {"candidate_bias": (H,)}


def _jordan(I: int, H: int, O: int) -> Shapes:
    own = _gated(1, recurrent=False)(I, H, O)
    return own | {"weight_sh": (H, O), "output.weight": (O, H), "output.bias": (O,)}


def _mogrifier(I: int, H: int, O: int) -> Shapes:
    rounds = {f"rounds.{n}": (H, I) if n % 2 else (I, H) for n in range(MOGRIFIER_ROUNDS)}
    return _gated(4)(I, H, O) | rounds


def _norm_lstm(I: int, H: int, O: int) -> Shapes:
    gains: Shapes = {"input_gain": (4 * H,), "hidden_gain": (4 * H,), "cell_gain": (H,), "cell_bias": (H,)}
    return _gated(4)(I, H, O) | gains


CORES: dict[str, CoreEntry] = {
    "capped-lstm": CoreEntry("capped_lstm.CappedLSTM", _gated(4)),
    "elman": CoreEntry("elman.Elman", _gated(1)),
    "elman-relu": CoreEntry("elman.Elman", _gated(1), {"nonlinearity": "relu"}),
    "gru": CoreEntry("gru.GRU", _gru),
    "jordan": CoreEntry("jordan.Jordan", _jordan, has_output=True),
    "lstm": CoreEntry("lstm.LSTM", _gated(4)),
    "min-gru": CoreEntry("mingru.MinGRU", _gated(2, recurrent=False)),
    "min-lstm": CoreEntry("minlstm.MinLSTM", _gated(3, recurrent=False)),
    "mogrifier": CoreEntry("mogrifier.MogrifierLSTM", _mogrifier),
    "norm-lstm": CoreEntry("norm_lstm.NormLSTM", _norm_lstm),
}


def register_core(
    name: str, made_by: Callable[[int, int], Core[Any]], shapes: Callable[[int, int, int], Shapes]
) -> None:
    """Add a core to the table: settings and every recipe then know its name.

    Args:
        name: Its name.
        made_by: Makes it, given the widths of input and state; its class, as a rule.
        shapes: Shapes of its weights by name, for widths I of an input, H of the state and O of the output.

    Raises:
        ValueError: There is a core of this name.
    """
    if name in CORES:
        raise ValueError(f"there is a core {name!r}")
    CORES[name] = CoreEntry("", shapes, made_by=made_by)


def new_core(name: str, input_size: int, hidden_size: int, output_size: int) -> Core[Any]:
    """Build a core by its name; ``output_size`` is for ``"jordan"``, whose output is a layer of its own.

    Raises:
        ConfigError: There is none of this name.
    """
    if name not in CORES:
        raise unknown_name("core", name, CORES, where="settings")
    return CORES[name].build(input_size, hidden_size, output_size)
