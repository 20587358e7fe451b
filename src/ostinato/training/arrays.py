"""Tensors as NumPy arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.training.snapshot import Arrays


def to_array(value: Tensor) -> NDArray[Any]:
    """Return a tensor as an array that shares no memory with it."""
    array: NDArray[Any] = value.detach().cpu().numpy().copy()
    return array


@torch.no_grad()
def load_weights(parameters: Mapping[str, Tensor], arrays: Arrays) -> None:
    """Copy arrays into tensors of the same names and shapes, strictly.

    Raises:
        ValueError: A name is missing or unexpected, or a shape differs.
    """
    if parameters.keys() != arrays.keys():
        odd = sorted(parameters.keys() ^ arrays.keys())
        raise ValueError(f"these weights are on one side only: {', '.join(odd)}")
    for name, parameter in parameters.items():
        if tuple(parameter.shape) != arrays[name].shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, the model has {tuple(parameter.shape)}")
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(arrays[name])))
