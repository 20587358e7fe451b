"""Cores one on another, with residual connections where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from ostinato.cores.base import Core, masked, unroll
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.products import Product, plain


class Stack(Core[tuple[Any, ...]]):
    """The output of each core is the input of the next; the state is the tuple of theirs.

    With residual connections, from the second layer on:

        y_l = x_l + core_l(x_l)                        where input and output are of one width

    A mask multiplies what a layer adds, so a dropped layer leaves the residual path alone.

    Args:
        cores: The layers, lowest first.
        residual: Whether layers add to their input instead of replacing it.

    Source: residual recurrent stacks: Wu et al. 2016, arXiv:1609.08144, sec. 3.1.
    """

    def __init__(self, cores: Sequence[Core[Any]], *, residual: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(cores)
        self.residual = residual

    def initial_state(self, batch_size: int, context: Any = None) -> tuple[Any, ...]:
        return tuple(core.initial_state(batch_size, context) for core in self._cores())

    def step(
        self, x: Tensor, state: tuple[Any, ...], masks: Any = None, *, product: Product = plain
    ) -> tuple[Tensor, tuple[Any, ...]]:
        after = []
        for layer, core in enumerate(self._cores()):
            y, new = core.step(x, state[layer], product=product)
            x = self._join(layer, x, masked(y, None if masks is None else masks[layer]))
            after.append(new)
        return x, tuple(after)

    def accepts_lookup(self, xs: Lookup) -> bool:
        return self._cores()[0].accepts_lookup(xs)

    def scan(
        self, xs: Inputs, state: tuple[Any, ...], lengths: Tensor | None, masks: Any
    ) -> tuple[Tensor, tuple[Any, ...]]:
        """Run layer by layer, each over the whole sequence."""
        after = []
        for layer, core in enumerate(self._cores()):
            run = core.scan or partial(unroll, core)
            ys, new = run(xs, state[layer], lengths, None if masks is None else masks[layer])
            xs = self._join(layer, xs, ys) if isinstance(xs, Tensor) else ys
            after.append(new)
        assert isinstance(xs, Tensor)
        return xs, tuple(after)

    def _cores(self) -> list[Core[Any]]:
        return list(self.layers)  # type: ignore[arg-type]

    def _join(self, layer: int, x: Tensor, y: Tensor) -> Tensor:
        return x + y if self.residual and layer and x.shape[-1] == y.shape[-1] else y
