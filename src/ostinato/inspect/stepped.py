"""Arrays of a recording from the states that a network in PyTorch had, and from what its taps told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def arrays_of_states(states: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """Return hidden states, and cells where every layer has one, [T + 1, L, H], of a stack's states at each step.

    Args:
        states: T + 1 states of one row: tuples of what each layer carries.
    """
    layers = [[_own(layer) for layer in state] for state in states]
    hidden = [torch.cat([one if isinstance(one, Tensor) else one.hidden for one in own]) for own in layers]
    arrays = {"hidden": torch.stack(hidden)}
    if all("cell" in fields_of(one) for one in layers[0]):
        arrays["cell"] = torch.stack([torch.cat([one.cell for one in own]) for own in layers])
    return {name: array.float().cpu().numpy() for name, array in arrays.items()}


def arrays_of_taps(values: Mapping[str, Sequence[Tensor]]) -> dict[str, NDArray[Any]]:
    """Return the values of taps, [T, L, H] each, by their short names; ``values`` has [B, H] for each step.

    Taps of one name in several layers are one array, lowest layer first, where they are of one width.
    """
    layers: dict[str, list[Tensor]] = {}
    for name, steps in values.items():
        layers.setdefault(name.rpartition(".")[2], []).append(torch.cat(list(steps)))
    return {
        name: torch.stack(own, dim=1).float().cpu().numpy()
        for name, own in layers.items()
        if len({one.shape for one in own}) == 1
    }


def fields_of(state: Any) -> tuple[str, ...]:
    """Return the names of the fields of a named state; of a tensor or a plain tuple none."""
    return tuple(vars(type(state)).get("_fields", ()))


def _own(layer: Any) -> Any:
    """Return the state of a layer; of one whose units are held, its core's own."""
    return layer[0] if type(layer) is tuple else layer
