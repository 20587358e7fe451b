"""Settings that all recipes share: the core, its size, and the optimiser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ostinato.config import one_of, out_of_range, raise_problems
from ostinato.cores.table import CORES

if TYPE_CHECKING:
    from ostinato.models import Feedback
    from ostinato.training.settings import TrainSettings


#: The widest vector of a network.
WIDEST = 65_536
#: Far beyond what any machine can train: a number that is larger is a slip of the keyboard.
_MOST_LAYERS, _MOST_ROWS, _MOST_SYMBOLS = 100, 1_000_000, 10**12


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of every recipe; ``--set NAME=VALUE`` changes one.

    Attributes:
        batch_size: Number of rows: sequences that are learned from side by side.
        learning_rate: Peak of the schedule.
        warmup: Share of the schedule in which the rate rises.
        cooldown: Share of the rest of it, at the end, in which the rate falls; 1 falls from the start.
        optimizer: adamw, rmsprop (Graves's, centred), sgd (with momentum) or adagrad.
        momentum: Momentum of rmsprop and sgd.
        weight_decay: Decoupled decay of matrices.
        beta2: AdamW's decay of squared gradients.
        clip: Largest norm of the gradient; a larger one is scaled down to it.
        average: Decay of the moving average of the weights; 0 keeps none.
        passes: Most passes over the training data in a budget of minutes, where a new run ends even if time is left;
            null: any number.
        patience: Evaluations without a new best before training stops; null never stops.
        valid_symbols: Most validation symbols read in an evaluation during training.
        precision: float32, bfloat16, or auto (by a table of processors, cores and widths).
    """

    #: Names of settings that determine the codec, and cannot be changed when a run continues from another model.
    codec_settings: ClassVar[tuple[str, ...]] = ()
    batch_size: int = 16
    learning_rate: float = 6e-3
    warmup: float = 0.05
    cooldown: float = 1.0
    optimizer: Literal["adamw", "rmsprop", "sgd", "adagrad"] = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.03
    beta2: float = 0.99
    clip: float = 1.0
    average: float = 0.995
    passes: float | None = None
    patience: int | None = 6
    valid_symbols: int = 50_000
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        raise_problems(self.problems())

    def problems(self) -> Iterator[str | None]:
        """Yield what is wrong with the settings; ``None`` is no problem. Parts add theirs to those of ``super()``."""
        yield out_of_range("batch_size", self.batch_size, least=1, most=_MOST_ROWS)
        yield out_of_range("valid_symbols", self.valid_symbols, least=1, most=_MOST_SYMBOLS)
        values = asdict(self)
        for name in ("warmup", "average", "beta2", "momentum"):
            yield out_of_range(name, values[name], least=0, below=1)
        for name in ("learning_rate", "clip"):
            yield out_of_range(name, values[name], above=0)
        yield out_of_range("cooldown", self.cooldown, above=0, most=1)
        yield out_of_range("passes", 1 if self.passes is None else self.passes, above=0)
        yield out_of_range("weight_decay", self.weight_decay, least=0)
        yield out_of_range("patience", 1 if self.patience is None else self.patience, least=1)


@dataclass(frozen=True)
class CoreSettings(TrainingSettings):
    """Settings of recipes whose network is a stack of cores.

    Attributes:
        core: elman, elman-relu, jordan, gru, lstm, capped-lstm, min-gru, min-lstm, norm-lstm or mogrifier.
        layers: Number of cores, one on another.
        hidden_size: Width of each core: its number of units.
        dropout: Probability that a number of a layer's output is dropped.
    """

    core: str = "lstm"
    layers: int = 1
    hidden_size: int = 512
    dropout: float = 0.0

    def problems(self) -> Iterator[str | None]:
        """Yield what is wrong with the settings; ``None`` is no problem."""
        yield one_of("core", self.core, tuple(CORES))
        yield out_of_range("layers", self.layers, least=1, most=_MOST_LAYERS)
        yield out_of_range("hidden_size", self.hidden_size, least=1, most=WIDEST)
        yield out_of_range("dropout", self.dropout, least=0, below=1)
        yield from super().problems()


@dataclass(frozen=True)
class FeedbackSettings(TrainingSettings):
    """Settings of recipes whose model may read its own last symbol in training (scheduled sampling).

    Attributes:
        feedback: When the model reads its own last symbol in training: never, linear, exponential, inverse-sigmoid
            or always.
        feedback_k: k of the schedule. At training step i the true symbol is read with probability
            max(feedback_least, k - feedback_slope i) (linear), k^i (exponential) or k / (k + exp(i / k))
            (inverse-sigmoid).
        feedback_slope: Slope of the linear schedule; see feedback_k.
        feedback_least: Least probability of the true symbol in the linear schedule.
        feedback_choice: Own symbols are drawn (sample), or the most probable ones (argmax).
        feedback_per: A coin for every symbol, or for every sequence.
    """

    feedback: Literal["never", "linear", "exponential", "inverse-sigmoid", "always"] = "never"
    feedback_k: float = 1.0
    feedback_slope: float = 0.0
    feedback_least: float = 0.0
    feedback_choice: Literal["sample", "argmax"] = "sample"
    feedback_per: Literal["symbol", "sequence"] = "symbol"

    def problems(self) -> Iterator[str | None]:
        """Yield what is wrong with the settings; ``None`` is no problem."""
        yield from super().problems()
        most = 1.0 if self.feedback in ("linear", "exponential") else None
        yield out_of_range("feedback_k", self.feedback_k, above=0, most=most)
        yield out_of_range("feedback_slope", self.feedback_slope, least=0)
        yield out_of_range("feedback_least", self.feedback_least, least=0, most=1)
        if self.feedback != "linear" and (self.feedback_slope or self.feedback_least):
            yield f"feedback_slope and feedback_least are for feedback = 'linear', got feedback = {self.feedback!r}"
        if self.feedback in ("never", "always") and self.feedback_k != 1.0:
            yield f"feedback_k is for a schedule, got feedback = {self.feedback!r}"


def build_feedback(settings: FeedbackSettings) -> Feedback:
    """Select what says how often a model's own symbols are read."""
    from ostinato.models import Feedback

    return Feedback(
        settings.feedback,
        settings.feedback_k,
        settings.feedback_slope,
        settings.feedback_least,
        settings.feedback_choice,
        settings.feedback_per,
    )


def train_settings(settings: TrainingSettings, *, seed: int) -> TrainSettings:
    """Select what the trainer needs."""
    from ostinato.training.settings import TrainSettings

    return TrainSettings(
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        beta2=settings.beta2,
        clip=settings.clip,
        average=settings.average,
        patience=settings.patience,
        seed=seed,
        optimizer=settings.optimizer,
        momentum=settings.momentum,
    )
