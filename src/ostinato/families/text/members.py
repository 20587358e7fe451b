"""The saved models that a user's model is made of: one, or several as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostinato import config
from ostinato.errors import ConfigError, DamagedError
from ostinato.families import find_recipe
from ostinato.families.base import not_of
from ostinato.families.recipe import Recipe
from ostinato.families.text.settings import LanguageModelSettings, build_model, shapes
from ostinato.runs import SavedModel
from ostinato.training.snapshot import Arrays

if TYPE_CHECKING:
    from ostinato.families.text.network import LanguageModel


@dataclass(frozen=True)
class Member:
    """One saved model.

    Attributes:
        saved: The contents of a run folder or a model file.
        recipe: Its recipe.
        settings: Its settings.
        symbols: Number of symbols V.
    """

    saved: SavedModel
    recipe: Recipe
    settings: LanguageModelSettings
    symbols: int

    @classmethod
    def of(cls, saved: SavedModel, symbols: int) -> Member:
        """Return the member for a saved model, with its settings parsed.

        Raises:
            ConfigError: It is no language model.
            DamagedError: Weights and settings do not fit each other.
        """
        recipe = find_recipe(saved.config["recipe"])
        settings = config.read(recipe.settings, saved.config["settings"], where=f"{saved.path}/config.json")
        if not isinstance(settings, LanguageModelSettings):
            raise not_of(saved, recipe, "a language model")
        if problem := _misfit(shapes(settings, symbols), saved.weights):
            raise DamagedError(f"{saved.path} is damaged: weights and settings do not fit: {problem}")
        return cls(saved, recipe, settings, symbols)

    def network(self, device: str) -> LanguageModel:
        """Build the network in PyTorch, in evaluation mode."""
        from ostinato.families.restoring import put_weights

        network = build_model(self.settings, self.symbols)
        put_weights(network, self.saved)
        return network.to(device).eval()


def check_same_symbols(saved: Sequence[SavedModel]) -> None:
    """Check that models read and write the same symbols, so that their probabilities can be averaged.

    Raises:
        ConfigError: They do not.
    """
    for other in saved[1:]:
        first = saved[0]
        if other.codec != first.codec:
            raise ConfigError(
                f"{first.path} and {other.path} do not have the same symbols, so they cannot work together; "
                "train both on the same corpus with the same codec"
            )


def _misfit(expected: dict[str, tuple[int, ...]], weights: Arrays) -> str | None:
    """Return how names or shapes of weights differ from those expected, or ``None``."""
    if odd := sorted(expected.keys() ^ weights.keys()):
        return f"these weights are on one side only: {', '.join(odd)}"
    wrong = [name for name, shape in expected.items() if weights[name].shape != shape]
    return f"{wrong[0]} has shape {weights[wrong[0]].shape}, the model has {expected[wrong[0]]}" if wrong else None
