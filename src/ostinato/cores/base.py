"""A core is a recurrence: ``step`` says what happens at one time step, ``forward`` runs a sequence."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.products import Product, plain
from ostinato.cores.state import where_rows

S = TypeVar("S")


class Tap(nn.Identity):
    """A named place to look at, or replace, a value; its address is its name in ``named_modules()``."""


class Core(nn.Module, abc.ABC, Generic[S]):
    """A recurrence over time. A subclass gives ``initial_state`` and ``step``, and is not subclassed again.

    The laws that tests/laws/test_cores.py holds every core to: ``forward`` over a sequence equals
    ``step`` called once per time step, and cutting the sequence anywhere and carrying the state
    changes nothing. A core draws no random numbers: dropout masks are handed in, and recurrent
    DropConnect is a change of weights made from outside (``torch.func.functional_call``).
    """

    #: ``scan(xs, state, lengths, masks)`` runs a whole sequence faster than ``step`` repeated, with
    #: arguments and results as of ``forward``. A core with a fused kernel defines it; ``None`` is none.
    scan: Callable[..., tuple[Tensor, S]] | None = None

    #: Name of the tap by whose value the cell, or the state, is multiplied from step to step; empty: there is none.
    keeps: ClassVar[str] = ""

    @abc.abstractmethod
    def initial_state(self, batch_size: int, context: Any = None) -> S:
        """Return the state before the first step, on the device and dtype of the parameters.

        ``context`` is what a conditional core reads besides its input, such as an encoded source; it
        travels in the state from here on, so nothing else has to know of it.
        """

    @abc.abstractmethod
    def step(self, x: Tensor, state: S, masks: Any = None, *, product: Product = plain) -> tuple[Tensor, S]:
        """Advance every row by one time step.

        Args:
            x: Input, [B, I].
            state: State before the step.
            masks: Mask that multiplies the output, [B, H] (for a stack: a tuple, one per layer);
                ``None`` leaves it alone. The state is never masked.
            product: Function that multiplies with weights.

        Returns:
            Output [B, H] and the state after the step.
        """

    def accepts_lookup(self, xs: Lookup) -> bool:
        """Return whether ``scan`` reads a lookup as it is; otherwise its rows are looked up before."""
        return False

    def forward(
        self, xs: Inputs, state: S | None = None, *, lengths: Tensor | None = None, masks: Any = None
    ) -> tuple[Tensor, S]:
        """Run a sequence: by the fused kernel where there is one and no tap is hooked, else step by step.

        Args:
            xs: Inputs, [B, T, I], or a lookup of them.
            state: First state; ``None`` means ``initial_state(B)``.
            lengths: Number of real steps of each row, [B]; ``None`` means all T.
            masks: Mask that multiplies the outputs, [B, 1 or T, H] (for a stack: a tuple, one
                per layer, each such a tensor or ``None``); ``None`` leaves them alone.

        Returns:
            Outputs [B, T, H] (zero past a row's length) and the state after each row's last real step.
        """
        state = self.initial_state(len(xs)) if state is None else state
        scan = None if self._is_tapped() else self.scan
        if isinstance(xs, Lookup) and (scan is None or not self.accepts_lookup(xs)):
            xs = xs.rows()
        if scan is not None:
            return scan(xs, state, lengths, masks)
        assert isinstance(xs, Tensor)
        return unroll(self, xs, state, lengths, masks)

    def _is_tapped(self) -> bool:
        return any(isinstance(m, Tap) and (m._forward_hooks or m._forward_pre_hooks) for m in self.modules())


@contextmanager
def step_by_step(module: nn.Module) -> Iterator[None]:
    """Run the cores of a module without their fused kernels while a ``with`` block runs.

    It is slower, but all that PyTorch can do with single operations works, such as second derivatives.
    """
    with ExitStack() as hooked:
        for tap in (one for one in module.modules() if isinstance(one, Tap)):
            hooked.callback(tap.register_forward_hook(lambda tap, inputs, value: None).remove)
        yield


def unroll(core: Core[S], xs: Tensor, state: S, lengths: Tensor | None, masks: Any) -> tuple[Tensor, S]:
    """Run ``step`` over time: the definition that every ``scan`` has to agree with."""
    outputs = []
    for t in range(xs.shape[1]):
        y, after = core.step(xs[:, t], state, _at_time(masks, t))
        if lengths is not None:
            alive = lengths > t
            y = torch.where(alive[:, None], y, torch.zeros_like(y))
            after = where_rows(alive, after, state)
        outputs.append(y)
        state = after
    return torch.stack(outputs, dim=1), state


def masked(y: Tensor, mask: Tensor | None) -> Tensor:
    """Multiply an output with its dropout mask, if there is one."""
    return y if mask is None else y * mask


def last_states(ys: Tensor, first: Tensor, lengths: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Turn a kernel's hidden states into what ``forward`` returns.

    Args:
        ys: Hidden state after every step, [B, T, H]; past a row's length, anything finite.
        first: Hidden state before the first step, [B, H]: the last one of a row of length 0.
        lengths: Real steps of each row, [B], or ``None``.
        mask: Output mask, [B, 1 or T, H], or ``None``.

    Returns:
        Outputs [B, T, H] and the hidden state after each row's last real step, [B, H] float32.
    """
    if lengths is None:
        return masked(ys, mask), to_float32(ys[:, -1])
    last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, ys.shape[2])
    hidden = torch.where((lengths > 0)[:, None], to_float32(ys.gather(1, last)[:, 0]), first)
    real = torch.arange(ys.shape[1], device=ys.device) < lengths[:, None]
    # Not a product: what runs on over padding may overflow there.
    return masked(torch.where(real[:, :, None], ys, 0), mask), hidden


def to_float32(leaf: Tensor) -> Tensor:
    """Bring a state tensor back to float32 (or float64): autocast kernels return bfloat16."""
    return leaf.float() if leaf.dtype in (torch.bfloat16, torch.float16) else leaf


def uniform_(weight: Tensor, fan: int) -> Tensor:
    """Fill a weight from U(-1/√fan, 1/√fan), the initialisation of ``torch.nn``'s recurrent layers."""
    return nn.init.uniform_(weight, -(fan**-0.5), fan**-0.5)


def _at_time(masks: Any, t: int) -> Any:
    """Return the masks of one step: [B, 1 or T, H] becomes [B, H], in a tuple too."""
    if masks is None:
        return None
    if isinstance(masks, Tensor):
        return masks[:, min(t, masks.shape[1] - 1)]
    return tuple(_at_time(mask, t) for mask in masks)
