"""Recipes: named systems with their settings, and the sizes that suit data and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ostinato import config
from ostinato.data import Corpus
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.base import Family, Sources
from ostinato.families.settings import TrainingSettings

_PANEL = 64  # units that compiled code takes together


@dataclass(frozen=True)
class Budget:
    """Data, time and machine, by which sizes are chosen.

    Attributes:
        symbols: Training symbols (characters, for text that is not encoded yet).
        items: Whether the corpus is a list of items.
        minutes: Time for training.
        device: Where, as PyTorch calls it.
        compiled: Whether our own compiled code trains about as fast as PyTorch's kernels on this processor.
        speed: Speed of training, as a multiple of the two cores that the rules were measured on.
        texts: Number of texts, where that is known.
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
        """The minutes that the machine of the rules would take for what this one does in its minutes."""
        return self.minutes * self.speed

    def compiles(self, width: int) -> bool:
        """Whether our own compiled code trains an LSTM of this width, about as fast as PyTorch does."""
        return self.device == "cpu" and self.compiled and width % _PANEL == 0


@dataclass(frozen=True)
class Recipe:
    """A named system.

    Attributes:
        name: Its name on the command line.
        summary: One sentence about it.
        source: The paper or lecture it comes from.
        settings: The dataclass of its settings; its defaults hold where ``sizes_for`` says nothing.
        family: The family of models that it belongs to.
        sizes_for: Settings that suit a budget and what the user has set, both as plain data.
        prepare: Turns the corpus that was read into the one that is learned from, given the settings as plain data;
            ``None``: it is learned from as it is.
        augment: Adds to the training part, given the settings; ``None``: it stays as it is.
        generate_corpus: Makes a corpus of its own, given the settings and a seed, where the user has none; ``None``: it
            cannot.
        endings: Endings of files that it is for, such as ``".abc"``: other recipes say so.
        generator_settings: Names of the settings of ``generate_corpus``; with a corpus of the user's they would say
            nothing.
    """

    name: str
    summary: str
    source: str
    settings: type[TrainingSettings]
    family: Family
    sizes_for: Callable[[Budget, Mapping[str, Any]], dict[str, Any]]
    prepare: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    augment: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    generate_corpus: Callable[[Mapping[str, Any], int], Corpus] | None = None
    generator_settings: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    def parse(self, given: Mapping[str, Any], where: str = "the settings given") -> Any:
        """Return settings from plain data; defaults hold for the others.

        Raises:
            ConfigError: A setting is unknown or out of range.
        """
        return config.read(self.settings, dict(given), where=where)

    def corpus(self, sources: Sources, given: Mapping[str, Any], seed: int, *, own: Mapping[str, Any]) -> Corpus:
        """Read a corpus to learn from; where nothing is named, make one, if the recipe can.

        Args:
            sources: Names and options of reading.
            given: Settings as plain data, those of a base model among them.
            seed: Seed of a generated corpus.
            own: Those of the settings that the user gives for this run.

        Raises:
            ConfigError: Settings of the generator are given together with a corpus, or options of reading without one.
            CorpusError: Nothing is named, or it cannot be read.
        """
        if not sources.names and self.generate_corpus is not None:
            if sources.options:
                flags = ", ".join(f"--{name.replace('_', '-')}" for name in sources.options)
                raise ConfigError(f"{flags}: for a corpus that is read, and {self.name} makes its own; leave it out")
            return self.generate_corpus(given, seed)
        if names := [name for name in self.generator_settings if name in own]:
            raise ConfigError(
                f"{', '.join(names)} say what {self.name} makes by itself, and a corpus is given; leave one out"
            )
        hint = self._better_for(sources.names)
        try:
            corpus = self.family.read(sources, self, given)
        except CorpusError as error:
            raise CorpusError(f"{error}. {hint}") if hint else error from None
        return replace(corpus, notes=(*corpus.notes, hint)) if hint else corpus

    def _better_for(self, names: Sequence[str]) -> str:
        """Return a hint at recipes that are for files of this kind, if others than this one are."""
        from ostinato.families import RECIPES

        for name in names:
            if name.lower().endswith(self.endings):
                continue
            better = [recipe.name for recipe in RECIPES.values() if name.lower().endswith(recipe.endings)]
            if better:
                return f"{name} looks like a file for {' or '.join(better)}: --recipe {better[0]}"
        return ""
