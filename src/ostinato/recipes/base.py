"""A recipe: a named system with its source, its settings, and the sizes that suit data and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.data import Corpus
from ostinato.errors import ConfigError
from ostinato.recipes.systems import LANGUAGE_MODELS, System
from ostinato.recipes.training import TrainingSettings

_PANEL = 64  # units that compiled code takes together


@dataclass(frozen=True)
class Budget:
    """What sizes are chosen by.

    Attributes:
        symbols: Training symbols (characters, for text that is not encoded yet).
        items: Whether the corpus is a list of items.
        minutes: Time for training.
        device: Where, as PyTorch calls it.
        compiled: Whether our own compiled code trains about as fast as PyTorch's kernels on this processor.
        speed: Of training, as a multiple of the two cores that the rules were measured on.
        texts: How many texts there are, where that is known.
    """

    symbols: int
    items: bool
    minutes: float
    device: str = "cpu"
    compiled: bool = True
    speed: float = 1.0
    texts: int = 1

    @property
    def usual_minutes(self) -> float:
        """How long the machine of the rules would take for what this one does in its minutes."""
        return self.minutes * self.speed

    def compiles(self, width: int) -> bool:
        """Whether our own compiled code trains an LSTM of this width, about as fast as PyTorch does."""
        return self.device == "cpu" and self.compiled and width % _PANEL == 0


@dataclass(frozen=True)
class Recipe:
    """A named system.

    Attributes:
        name: What the command line calls it.
        summary: What it is, in one sentence.
        source: The paper or lecture it comes from.
        settings: The dataclass of its settings; its defaults hold where ``choose`` says nothing.
        of_made: Settings that say what ``makes`` makes; with a corpus of the user's they would say nothing.
        system: The family of models that it belongs to.
        choose: Settings that suit a budget and what the user has set, both as plain data.
        read: Makes of the corpus that was read what is learned from, given the settings as plain data; ``None``: that
            is the corpus itself.
        more: Makes more of the training part, given the settings; ``None``: it stays as it is.
        makes: Makes a corpus of its own, given the settings and a seed, where the user has none; ``None``: it cannot.
    """

    name: str
    summary: str
    source: str
    settings: type[TrainingSettings]
    choose: Callable[[Budget, Mapping[str, Any]], dict[str, Any]]
    read: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    more: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    makes: Callable[[Mapping[str, Any], int], Corpus] | None = None
    of_made: tuple[str, ...] = ()
    system: System = LANGUAGE_MODELS

    def check_read(self, given: Mapping[str, Any]) -> None:
        """Check the settings that a user gives together with a corpus.

        Raises:
            ConfigError: Some are of what the recipe would make.
        """
        if names := [name for name in self.of_made if name in given]:
            raise ConfigError(
                f"{', '.join(names)} say what {self.name} makes by itself, and a corpus is given; leave one out"
            )
