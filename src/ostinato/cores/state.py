"""The state algebra: what every core may assume of a state, and all that anyone may do to one.

A state is a tensor, or a (named) tuple of states. Axis 0 of every tensor in it is the batch.
Beam search, masking, truncated backpropagation and checkpoints use only the functions below, so
a new core works with all of them by keeping that one law.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor

S = TypeVar("S")


def map_state(fn: Callable[..., Tensor], first: S, *rest: S) -> S:
    """Apply ``fn`` to the corresponding tensors of states that share one structure."""
    if isinstance(first, Tensor):
        return fn(first, *rest)  # type: ignore[return-value]
    groups: Any = zip(first, *rest, strict=True)  # type: ignore[call-overload]
    parts = [map_state(fn, *group) for group in groups]
    return tuple(parts) if type(first) is tuple else type(first)(*parts)  # type: ignore[return-value]


def select_rows(state: S, rows: Tensor) -> S:
    """Row ``i`` of the result is row ``rows[i]`` of ``state``; ``rows`` may repeat or drop rows."""
    return map_state(lambda leaf: leaf.index_select(0, rows), state)


def where_rows(keep_new: Tensor, new: S, old: S) -> S:
    """Take each row from ``new`` where ``keep_new`` [B] is true, else from ``old``."""

    def pick(fresh: Tensor, stale: Tensor) -> Tensor:
        # Broadcasting pads shapes on the left; a row mask has to be padded on the right.
        mask = keep_new.reshape(-1, *[1] * (fresh.ndim - 1))
        return fresh.where(mask, stale)

    return map_state(pick, new, old)


def detach(state: S) -> S:
    """Cut the gradient: the border between two windows of truncated backpropagation."""
    return map_state(Tensor.detach, state)


def first_tensor(state: Any) -> Tensor:
    """Return any one tensor of a state: enough to read the batch size, device and dtype from."""
    while not isinstance(state, Tensor):
        state = state[0]
    return state


def tensors(state: Any) -> list[Tensor]:
    """Return the tensors of a state in the order of its structure."""
    return [state] if isinstance(state, Tensor) else [leaf for part in state for leaf in tensors(part)]
