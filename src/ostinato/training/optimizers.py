"""Optimisers, which move parameters by their gradients; the table names them as settings do."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from ostinato.errors import unknown_name
from ostinato.training.adamw import AdamW
from ostinato.training.arrays import to_array
from ostinato.training.settings import TrainSettings
from ostinato.training.snapshot import Arrays


class Optimizer(Protocol):
    """An optimiser, which moves parameters by their gradients; its state is kept by name of parameter."""

    def clear_gradients(self) -> None:
        """Forget all gradients."""

    def step(self, rate: float) -> None:
        """Move each parameter that has a gradient, at a learning rate."""

    def arrays(self) -> Arrays:
        """Return copies of the state, as ``KEY.NAME``."""

    def restore(self, arrays: Arrays) -> None:
        """Restore the state that ``arrays`` returned."""


class _Elementwise(abc.ABC):
    """An optimiser whose state has, for each parameter, some tensors of its shape.

    Args:
        parameters: Parameters to move, by name.
        weight_decay: Decoupled weight decay of matrices: each step shrinks them by the rate times this.
    """

    keys: ClassVar[tuple[str, ...]]

    def __init__(self, parameters: Mapping[str, Tensor], *, weight_decay: float) -> None:
        self._parameters, self._weight_decay = parameters, weight_decay
        self._states: dict[str, dict[str, Tensor]] = {}

    @abc.abstractmethod
    def _update(self, gradient: Tensor, state: dict[str, Tensor], rate: float) -> Tensor:
        """Change the state of a parameter in place; return the update to add to it."""

    def clear_gradients(self) -> None:
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            if name not in self._states:
                self._states[name] = {key: torch.zeros_like(parameter) for key in self.keys}
            if parameter.ndim > 1 and self._weight_decay:
                parameter.mul_(1 - rate * self._weight_decay)
            parameter.add_(self._update(parameter.grad, self._states[name], rate))

    def arrays(self) -> Arrays:
        return {f"{key}.{name}": to_array(state[key]) for name, state in self._states.items() for key in self.keys}

    def restore(self, arrays: Arrays) -> None:
        self._states = {
            name: {key: torch.from_numpy(arrays[f"{key}.{name}"].copy()).to(parameter.device) for key in self.keys}
            for name, parameter in self._parameters.items()
            if f"{self.keys[0]}.{name}" in arrays
        }


class RMSProp(_Elementwise):
    """RMSProp in Graves's form: centred, with momentum.

        n = ρ n + (1 - ρ) g²        m = ρ m + (1 - ρ) g        Δ = β Δ - rate · g / √(n - m² + ε)

    with ρ = 0.95 and ε = 1e-4; β is the momentum.

    Source: Graves 2013, arXiv:1308.0850, equations 38 to 45.
    """

    keys = ("square", "mean", "move")

    def __init__(self, parameters: Mapping[str, Tensor], *, weight_decay: float, momentum: float) -> None:
        super().__init__(parameters, weight_decay=weight_decay)
        self._momentum = momentum

    def _update(self, gradient: Tensor, state: dict[str, Tensor], rate: float) -> Tensor:
        square, mean, move = (state[key] for key in self.keys)
        square.mul_(0.95).addcmul_(gradient, gradient, value=0.05)
        mean.mul_(0.95).add_(gradient, alpha=0.05)
        scale = (square - mean.square() + 1e-4).sqrt()
        return move.mul_(self._momentum).addcdiv_(gradient, scale, value=-rate)


class Momentum(_Elementwise):
    """Gradient descent with momentum β: Δ = β Δ - rate · g.

    Source: Polyak 1964; Rumelhart, Hinton and Williams 1986.
    """

    keys = ("move",)

    def __init__(self, parameters: Mapping[str, Tensor], *, weight_decay: float, momentum: float) -> None:
        super().__init__(parameters, weight_decay=weight_decay)
        self._momentum = momentum

    def _update(self, gradient: Tensor, state: dict[str, Tensor], rate: float) -> Tensor:
        return state["move"].mul_(self._momentum).add_(gradient, alpha=-rate)


class AdaGrad(_Elementwise):
    """AdaGrad: s = s + g², and a parameter moves by -rate · g / (√s + 1e-10).

    Source: Duchi, Hazan and Singer 2011, JMLR 12.
    """

    keys = ("sum",)

    def _update(self, gradient: Tensor, state: dict[str, Tensor], rate: float) -> Tensor:
        total = state["sum"].addcmul_(gradient, gradient)
        return gradient / (total.sqrt() + 1e-10) * -rate


#: From the name in the settings to the optimiser of some parameters.
OPTIMIZERS: dict[str, Callable[[Mapping[str, Tensor], TrainSettings], Optimizer]] = {
    "adamw": lambda parameters, s: AdamW(parameters, weight_decay=s.weight_decay, beta2=s.beta2),
    "rmsprop": lambda parameters, s: RMSProp(parameters, weight_decay=s.weight_decay, momentum=s.momentum),
    "sgd": lambda parameters, s: Momentum(parameters, weight_decay=s.weight_decay, momentum=s.momentum),
    "adagrad": lambda parameters, s: AdaGrad(parameters, weight_decay=s.weight_decay),
}


def new_optimizer(parameters: Mapping[str, Tensor], settings: TrainSettings) -> Optimizer:
    """Return the optimiser that settings name.

    Raises:
        ConfigError: There is no optimiser of that name.
    """
    if settings.optimizer not in OPTIMIZERS:
        raise unknown_name("optimizer", settings.optimizer, OPTIMIZERS, where="settings")
    return OPTIMIZERS[settings.optimizer](parameters, settings)
