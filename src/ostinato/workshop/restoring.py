"""Putting the weights of a saved model into a network."""

from __future__ import annotations

from torch import nn

from ostinato.errors import DamagedError
from ostinato.runs import SavedModel
from ostinato.training.trainer import load_weights


def put_weights(network: nn.Module, saved: SavedModel) -> None:
    """Copy the weights, strictly.

    Raises:
        DamagedError: Weights and settings do not fit each other.
    """
    try:
        load_weights(dict(network.named_parameters()), saved.weights)
    except ValueError as error:
        raise DamagedError(f"{saved.path} is damaged: weights and settings do not fit: {error}") from error
