"""From a saved model to what it was made by, and its weights into a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostinato import codecs, config
from ostinato.codecs import Codec
from ostinato.errors import DamagedError
from ostinato.families import Recipe, find_recipe
from ostinato.families.settings import TrainingSettings
from ostinato.runs import SavedModel

if TYPE_CHECKING:
    from torch import nn


def described(saved: SavedModel) -> tuple[Recipe, TrainingSettings, Codec]:
    """Return the recipe, the settings and the codec of a saved model.

    Raises:
        ConfigError: This version knows no such recipe or settings.
        CodecError: The codec's description is none.
    """
    recipe = find_recipe(saved.config["recipe"])
    settings = config.read(recipe.settings, saved.config["settings"], where=f"{saved.path}/config.json")
    return recipe, settings, codecs.from_json(saved.codec)


def put_weights(network: nn.Module, saved: SavedModel) -> None:
    """Copy the weights, strictly.

    Raises:
        DamagedError: Weights and settings do not fit each other.
    """
    from ostinato.training.arrays import load_weights

    try:
        load_weights(dict(network.named_parameters()), saved.weights)
    except ValueError as error:
        raise DamagedError(f"{saved.path} is damaged: weights and settings do not fit: {error}") from error
