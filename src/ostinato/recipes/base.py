"""A recipe: a named system with its source, its settings, and the sizes that suit data and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.data import Corpus
from ostinato.recipes.language_model import LanguageModelSettings


@dataclass(frozen=True)
class Budget:
    """What sizes are chosen by.

    Attributes:
        symbols: Training symbols (characters, for text that is not encoded yet).
        items: Whether the corpus is a list of items.
        minutes: Time for training.
        device: Where, as PyTorch calls it.
    """

    symbols: int
    items: bool
    minutes: float
    device: str = "cpu"


@dataclass(frozen=True)
class Recipe:
    """A named system.

    Attributes:
        name: What the command line calls it.
        summary: What it is, in one sentence.
        source: The paper or lecture it comes from.
        settings: The dataclass of its settings; its defaults hold where ``choose`` says nothing.
        choose: Settings that suit a budget and what the user has set, both as plain data.
        read: Makes of the corpus that was read what is learned from; ``None``: that is the corpus itself.
    """

    name: str
    summary: str
    source: str
    settings: type[LanguageModelSettings]
    choose: Callable[[Budget, Mapping[str, Any]], dict[str, Any]]
    read: Callable[[Corpus], Corpus] | None = None
