"""Linear recurrences, which look back only through a product and so can be run over all of time at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear_recurrence(keep: Tensor, new: Tensor, first: Tensor) -> Tensor:
    """Return ``h_t = keep_t * h_{t-1} + new_t`` for all t.

    Args:
        keep: Factor of the state before, [B, T, H].
        new: Term that is added to it, [B, T, H].
        first: h before the first step, [B, H].

    Returns:
        h after every step, [B, T, H].
    """
    states: Tensor = _LinearRecurrence.apply(keep, new, first)  # type: ignore[no-untyped-call]
    return states


class _LinearRecurrence(torch.autograd.Function):
    """The recurrence, and its gradients: ``g_t = d_t + keep_{t+1} * g_{t+1}``, the same one backwards."""

    @staticmethod
    def forward(ctx: Any, keep: Tensor, new: Tensor, first: Tensor) -> Tensor:
        ys = _run(keep, new, first)
        ctx.save_for_backward(keep, first, ys)
        return ys

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_ys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keep, first, ys = ctx.saved_tensors
        after = torch.cat([keep[:, 1:], torch.zeros_like(keep[:, :1])], dim=1)
        d_new = _run(after.flip(1), d_ys.flip(1), torch.zeros_like(first)).flip(1)
        before = torch.cat([first[:, None], ys[:, :-1]], dim=1)
        return d_new * before, d_new, keep[:, 0] * d_new[:, 0]


def _run(keep: Tensor, new: Tensor, first: Tensor) -> Tensor:
    # A GPU waits for every step, so there log2(T) steps over everything are faster than T small ones.
    return _step_by_step(keep, new, first) if keep.device.type == "cpu" else _by_doubling(keep, new, first)


def _step_by_step(keep: Tensor, new: Tensor, first: Tensor) -> Tensor:
    ys, y = torch.empty_like(new), first
    for t in range(new.shape[1]):
        y = torch.addcmul(new[:, t], keep[:, t], y, out=ys[:, t])
    return ys


def _by_doubling(keep: Tensor, new: Tensor, first: Tensor) -> Tensor:
    """After round n, ``(a_t, b_t)`` do what the 2^n steps up to t do: ``h_t = a_t * h_{t - 2^n} + b_t``.

    Source: Hillis and Steele 1986, Communications of the ACM 29(12).
    """
    a, b = keep, torch.cat([new[:, :1] + (keep[:, 0] * first)[:, None], new[:, 1:]], dim=1)
    reach = 1
    while reach < new.shape[1]:
        b = torch.cat([b[:, :reach], b[:, reach:] + a[:, reach:] * b[:, :-reach]], dim=1)
        a = torch.cat([a[:, :reach], a[:, reach:] * a[:, :-reach]], dim=1)
        reach *= 2
    return b
