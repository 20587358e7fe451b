"""AdamW for the trainer: matrices decay, vectors do not; the state is kept by name of parameter.

The steps are PyTorch's own. Its optimiser classes are avoided: they import its compiler, which takes two seconds.

Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from ostinato.training.arrays import to_array
from ostinato.training.snapshot import Arrays

_BETA1, _EPSILON = 0.9, 1e-8
_KEYS = ("step", "exp_avg", "exp_avg_sq")


class AdamW:
    """AdamW optimiser, which moves parameters by their gradients.

    Args:
        parameters: Parameters to move, by name, all on one device.
        weight_decay: Decoupled weight decay of matrices.
        beta2: Decay of the averaged squared gradient.
    """

    def __init__(self, parameters: Mapping[str, Tensor], *, weight_decay: float, beta2: float) -> None:
        self._parameters, self._weight_decay, self._betas = parameters, weight_decay, (_BETA1, beta2)
        self._states: dict[str, dict[str, Tensor]] = {}
        device = next(iter(parameters.values())).device
        self._is_fused = device.type in ("cpu", "cuda")
        # Steps are counted where the fused step reads them, else on the CPU, where reading them waits for nothing.
        self._devices = {key: torch.device("cpu") if key == "step" and not self._is_fused else device for key in _KEYS}

    def clear_gradients(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move each parameter that has a gradient.

        Args:
            rate: The learning rate.
        """
        moved = [(name, p) for name, p in self._parameters.items() if p.grad is not None]
        for decay, is_matrix in ((self._weight_decay, True), (0.0, False)):
            self._move([(name, p) for name, p in moved if (p.ndim > 1) == is_matrix], rate, decay)

    def arrays(self) -> Arrays:
        """Return copies of ``step.NAME``, ``exp_avg.NAME`` and ``exp_avg_sq.NAME`` of each parameter that was moved."""
        return {
            f"{key}.{name}": to_array(self._states[name][key])
            for name in self._parameters
            if name in self._states
            for key in _KEYS
        }

    def restore(self, arrays: Arrays) -> None:
        """Restore the state that ``arrays`` returned."""
        self._states = {
            name: {key: torch.from_numpy(arrays[f"{key}.{name}"].copy()).to(self._devices[key]) for key in _KEYS}
            for name in self._parameters
            if f"step.{name}" in arrays
        }

    def _move(self, moved: list[tuple[str, Tensor]], rate: float, decay: float) -> None:
        if not moved:
            return
        states = [self._state_of(name, parameter) for name, parameter in moved]
        steps, averages, squares = ([state[key] for state in states] for key in _KEYS)
        gradients = [p.grad for _, p in moved if p.grad is not None]
        adamw(
            [p for _, p in moved], gradients, averages, squares, [], steps, fused=self._is_fused, amsgrad=False,
            beta1=self._betas[0], beta2=self._betas[1], lr=rate, weight_decay=decay, eps=_EPSILON, maximize=False,
        )  # fmt: skip

    def _state_of(self, name: str, parameter: Tensor) -> dict[str, Tensor]:
        if name not in self._states:
            step = torch.zeros((), dtype=torch.float32, device=self._devices["step"])
            averages = {key: torch.zeros_like(parameter) for key in _KEYS[1:]}
            self._states[name] = {"step": step, **averages}
        return self._states[name]
