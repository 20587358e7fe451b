"""Settings that all recipes for piano rolls share, and the network and task that are built from them."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ostinato.codecs import TokenCodec
from ostinato.config import out_of_range
from ostinato.errors import ConfigError
from ostinato.families.encoding import build_stack
from ostinato.families.recipe import Budget
from ostinato.families.rolls.reading import RollReading
from ostinato.families.settings import CoreSettings
from ostinato.music.rolls import HIGHEST, LOWEST, parse_grid, tokens_of
from ostinato.units import Bound

if TYPE_CHECKING:
    from ostinato.families.rolls.heads.base import RollHead
    from ostinato.families.rolls.network import RollNetwork, RollTask

_LONGEST_WINDOW, _MOST_SEMITONES, _OF_MIDI = 4096, 24, 127
_FEW_FRAMES = 30_000  # fewer are learned by heart at once
_LONG = 10  # minutes from which on a wider core is worth its time
_OF_A_FRAME = 12  # characters of a frame of four notes, in the text of a roll


@dataclass(frozen=True)
class RollSettings(CoreSettings, abc.ABC):
    """Settings of every model of piano rolls, besides those of every recipe.

    Attributes:
        grid: Length of a frame of MIDI files: a part of a note (8th, 16th), or seconds (0.3s). Arrays have their own.
        lowest: Lowest note, as a MIDI number.
        highest: Highest note, as a MIDI number.
        window: Most frames that back-propagation goes through at once; the state is carried on.
        transpose: Most semitones that a piece is moved up or down in training, at random.
        input_dropout: Probability that a note of the frame before is not seen in training.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("lowest", "highest")
    #: Name of the head in compiled code (``stepping.by_engine``); empty where only PyTorch has it.
    head: ClassVar[str] = ""
    #: Whether the likelihood is exact.
    bound: ClassVar[Bound] = "exact"
    grid: str = "8th"
    lowest: int = LOWEST
    highest: int = HIGHEST
    core: str = "lstm"
    hidden_size: int = 256
    window: int = 128
    transpose: int = 0
    input_dropout: float = 0.0

    @abc.abstractmethod
    def build_head(self, size: int) -> RollHead:
        """Build the distribution over frames, given vectors of a size."""

    @property
    def notes(self) -> int:
        """Number of notes N."""
        return self.highest - self.lowest + 1

    def reading(self) -> RollReading:
        """Return the options of reading files."""
        return RollReading(self.grid, self.lowest, self.highest)

    def problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield from super().problems()
        yield out_of_range("lowest", self.lowest, least=0, most=_OF_MIDI)
        yield out_of_range("highest", self.highest, least=self.lowest, most=_OF_MIDI)
        yield out_of_range("window", self.window, least=1, most=_LONGEST_WINDOW)
        yield out_of_range("transpose", self.transpose, least=0, most=_MOST_SEMITONES)
        yield out_of_range("input_dropout", self.input_dropout, least=0, below=1)
        yield _problem_of(self.grid)
        yield from self.own_problems()

    def own_problems(self) -> Iterator[str | None]:
        """Yield the problems of a recipe's own settings. A hook of recipes."""
        yield from ()


def _problem_of(grid: str) -> str | None:
    try:
        parse_grid(grid)
    except ConfigError as error:
        return str(error)
    return None


def roll_codec(settings: RollSettings) -> TokenCodec:
    """Return the codec: a token for each note, and one for the end of a frame."""
    return TokenCodec(tokens_of(settings.lowest, settings.highest), end=True)


def notes_of(codec: TokenCodec) -> int:
    """Return the number of notes N of a codec."""
    return len(codec.tokens) - 1


def build_network(settings: RollSettings, notes: int) -> RollNetwork:
    """Build the network, with weights drawn from PyTorch's present random state."""
    from ostinato.families.rolls.network import RollNetwork

    return RollNetwork(build_stack(settings, notes), settings.build_head(settings.hidden_size), notes)


def build_task(settings: RollSettings, network: RollNetwork) -> RollTask:
    """Build the task of training a network as the settings say."""
    from ostinato.families.rolls.network import RollTask

    if settings.precision == "auto":
        raise ConfigError("precision = 'auto' is to be resolved by a trial before a task is built")
    sizes: Literal["float32", "bfloat16"] = settings.precision
    return RollTask(
        network,
        layers=settings.layers,
        hidden_size=settings.hidden_size,
        input_dropout=settings.input_dropout,
        dropout=settings.dropout,
        precision=sizes,
    )


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes: of few frames much dropout, and other keys; of many, notes that are not seen now and then."""
    few = budget.symbols < _FEW_FRAMES * _OF_A_FRAME
    width = 256 if few or budget.usual_minutes < _LONG else 384
    return {
        "core": "capped-lstm" if budget.compiles(given.get("hidden_size", width)) else "lstm",
        "hidden_size": width,
        "batch_size": 16,
        "learning_rate": 6e-3,
        "dropout": 0.4 if few else 0.2,
        "input_dropout": 0.0 if few else 0.1,
        "transpose": 5 if few else 0,
        "weight_decay": 0.03,
    }
