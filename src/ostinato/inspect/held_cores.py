"""Clamps in PyTorch: layers whose units are held; the definition that compiled code agrees with.

Hidden states and cells are held after each step; gates, which compiled code cannot hold, where they are computed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, Tap, masked
from ostinato.cores.products import Product, plain
from ostinato.cores.stack import Stack
from ostinato.engine.clamps import ALWAYS, CELL, FIXED, FREE, HIDDEN, Clamps
from ostinato.inspect.clamps import Clamp
from ostinato.inspect.taps import matching, tap_names

M = TypeVar("M", bound=nn.Module)


class HeldCore(Core[tuple[Any, Tensor]]):
    """A core some of whose units are held. Its state is the core's own, and the number of steps so far, [B].

    Args:
        core: The core.
        layer: Number of its layer in the clamps.
        clamps: The clamps of all layers.
        gates: Clamps of gates, of all layers.

    Raises:
        ConfigError: The core has no such gate.
    """

    modes: Tensor
    values: Tensor
    spans: Tensor

    def __init__(self, core: Core[Any], layer: int, clamps: Clamps, gates: Sequence[Clamp] = ()) -> None:
        super().__init__()
        self.scan, self.keeps = None, core.keeps  # type: ignore[misc]
        self.held, self._gate, self._now = core, torch.empty(0), torch.empty(0)
        modes, values, spans = (torch.from_numpy(part[:, layer].copy()) for part in vars(clamps).values())
        self.register_buffer("modes", modes, persistent=False)
        self.register_buffer("values", values, persistent=False)
        self.register_buffer("spans", spans, persistent=False)

        for clamp in gates:
            if clamp.layer == layer:
                taps = dict(core.named_modules())
                for name in matching(tap_names(core), clamp.part):
                    taps[name].register_forward_hook(self._holding(clamp))
        if bool((modes[CELL] != FREE).any()):  # the last hook, so that a held gate is kept
            gate = core.output_gate
            assert isinstance(gate, Tap)
            gate.register_forward_hook(self._keep_gate)

    def _holding(self, clamp: Clamp) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        """Return the hook of a gate that holds a unit of it."""
        end = ALWAYS if clamp.end is None else clamp.end

        def hold(tap: nn.Module, inputs: Any, value: Tensor) -> Tensor:
            own = value[:, clamp.unit]  # [B]
            held = own * clamp.value if clamp.scaled else torch.full_like(own, clamp.value)
            now = (clamp.first <= self._now) & (self._now < end)
            changed = value.clone()
            changed[:, clamp.unit] = torch.where(now, held, own)
            return changed

        return hold

    def _keep_gate(self, tap: nn.Module, inputs: Any, value: Tensor) -> None:
        self._gate = value

    def initial_state(self, batch_size: int, context: Any = None) -> tuple[Any, Tensor]:
        steps = torch.zeros(batch_size, dtype=torch.int64, device=self.modes.device)
        return self.held.initial_state(batch_size, context), steps

    def step(
        self, x: Tensor, state: tuple[Any, Tensor], masks: Tensor | None = None, *, product: Product = plain
    ) -> tuple[Tensor, tuple[Any, Tensor]]:
        own, steps = state
        self._now = steps
        y, own = self.held.step(x, own, product=product)
        if bool((self.modes[CELL] != FREE).any()):
            cell = self._hold(CELL, own.cell, steps)
            y = torch.where(cell == own.cell, y, self._gate * cell.tanh())
            own = own._replace(cell=cell, hidden=y)
        y = self._hold(HIDDEN, y, steps)
        own = y if isinstance(own, Tensor) else own._replace(hidden=y)
        return masked(y, masks), (own, steps + 1)

    def _hold(self, part: int, numbers: Tensor, steps: Tensor) -> Tensor:
        """Return numbers [B, H] with those that are held at these steps [B] in their places."""
        spans = self.spans[part]
        now = (self.modes[part] != FREE) & (spans[:, 0] <= steps[:, None]) & (steps[:, None] < spans[:, 1])  # [B, H]
        values = torch.where(self.modes[part] == FIXED, self.values[part], numbers * self.values[part])
        return torch.where(now, values, numbers)


def held_network(network: M, clamps: Clamps, gates: Sequence[Clamp] = ()) -> M:
    """Return a network with the same weights whose stack of cores, ``network.core``, is held.

    Raises:
        ConfigError: A core has no such gate.
    """
    other: M = copy.copy(network)
    other._modules = dict(network._modules)
    stack = network.core
    assert isinstance(stack, Stack)
    cores = [HeldCore(copy.deepcopy(core), layer, clamps, gates) for layer, core in enumerate(stack.layers)]  # type: ignore[arg-type]
    other.core = Stack(cores, residual=stack.residual).to(next(network.parameters()).device).eval()
    return other
