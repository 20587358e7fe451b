"""Families of models as training sees them, and recipes: named systems with their settings and sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ostinato.codecs import Codec
from ostinato.data import Corpus, Encoded, Reading, Stream
from ostinato.data.pairs import PairLimits
from ostinato.errors import ConfigError
from ostinato.families.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import nn

    from ostinato.models import Task
    from ostinato.training.ranks import Ranks
    from ostinato.training.validation import Measured

_PANEL = 64  # units that compiled code takes together


class Validates(Protocol):
    """Measures a task on a part of the held-out data.

    Attributes:
        symbols: How many targets that part has.
        sha256: Digest of that part: losses of runs can be compared where it is the same.
    """

    @property
    def symbols(self) -> int: ...
    @property
    def sha256(self) -> str: ...

    def __call__(self, task: Task) -> Measured:
        """Return the mean loss."""


class System(Protocol):
    """A family of models. Settings are of the recipe's own class.

    Attributes:
        commands: What its models are used with.
        unit: What losses are counted by.
    """

    @property
    def commands(self) -> str: ...
    @property
    def unit(self) -> str: ...

    def read(
        self, sources: Sequence[str], settings: Any, limits: PairLimits, reading: Reading, *, part: str = "train"
    ) -> Corpus:
        """Read files to learn from, or to measure with; of a file with several parts, one."""

    def codec(self, settings: Any, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        """Learn how texts become ids; ``alphabet`` has every character of both parts."""

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Stream:
        """Return batches to train on, from their beginning."""

    def model(self, settings: Any, codec: Codec) -> nn.Module:
        """Build the network, with weights drawn from PyTorch's present random state."""

    def task(self, settings: Any, model: nn.Module) -> Task:
        """Build what is learned."""

    def validation(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Ranks) -> Validates:
        """Return what measures a task, on a part of the data that the seed chooses."""

    def targets(self, codec: Codec, data: Encoded) -> int:
        """Count what an epoch learns to predict."""

    def amount(self, codec: Codec, data: Encoded) -> str:
        """Say how much data there are, for people."""

    def shape(self, settings: Any) -> str:
        """Say what the network is like, in a few words."""


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
        system: The family of models that it belongs to.
        of_made: Settings that say what ``makes`` makes; with a corpus of the user's they would say nothing.
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
    system: System
    choose: Callable[[Budget, Mapping[str, Any]], dict[str, Any]]
    read: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    more: Callable[[Corpus, Mapping[str, Any]], Corpus] | None = None
    makes: Callable[[Mapping[str, Any], int], Corpus] | None = None
    of_made: tuple[str, ...] = ()

    def check_read(self, given: Mapping[str, Any]) -> None:
        """Check the settings that a user gives together with a corpus.

        Raises:
            ConfigError: Some are of what the recipe would make.
        """
        if names := [name for name in self.of_made if name in given]:
            raise ConfigError(
                f"{', '.join(names)} say what {self.name} makes by itself, and a corpus is given; leave one out"
            )
