"""What all language-model recipes share: their settings, and how codec, model and task are built from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ostinato import codecs
from ostinato.config import out_of_range, raise_problems
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.models import LanguageModel, LanguageModelTask
    from ostinato.training.trainer import TrainSettings


CoreName: TypeAlias = Literal[
    "capped-lstm", "elman", "elman-relu", "gru", "jordan", "lstm", "min-gru", "min-lstm", "mogrifier", "norm-lstm"
]
MOGRIFIER_ROUNDS = 5  # what the core does unless told otherwise


@dataclass(frozen=True)
class LanguageModelSettings:
    """Every setting of a language model and its training; ``--set NAME=VALUE`` changes one.

    Attributes:
        codec: characters, bytes, words or subwords.
        nfc: For characters: bring text to Unicode's composed form.
        vocabulary: For words and subwords: most symbols.
        unknown: For words: ``spell`` writes unknown ones in bytes, ``unk`` makes each ``<unk>``.
        core: elman, elman-relu, jordan, gru, lstm, capped-lstm, min-gru, min-lstm, norm-lstm or mogrifier.
        layers: Cores one on another.
        hidden_size: Width of each.
        embedding_size: Width of an embedded symbol.
        residual: Layers from the second on add to their input.
        tied: The output layer shares its weight with the embedding.
        dropout: Of each layer's output.
        input_dropout: Of embedded inputs.
        recurrent_dropout: Of recurrent weights (DropConnect).
        variational: Dropout masks are drawn once per window row, not at each step.
        activation_penalty: This times the mean square of the last layer's outputs is made small as well.
        batch_size: Rows.
        window: Time steps that back-propagation reaches.
        restart: Probability that a row of running text starts anew at a window.
        learning_rate: Peak of the schedule.
        warmup: Share of the schedule in which the rate rises.
        cooldown: Share of the rest of it, at the end, in which the rate falls; 1 falls from the start.
        weight_decay: Of matrices, decoupled.
        beta2: AdamW's decay of squared gradients.
        clip: Largest gradient norm.
        average: Decay of the moving average of the weights; 0 keeps none.
        passes: Of a budget in minutes: most passes over the training data, where a new run ends even if time is left;
            null: any number.
        patience: Evaluations without a new best before training stops; null never stops.
        valid_symbols: Most validation symbols read in an evaluation during training.
        precision: float32, bfloat16, or auto (whichever a short trial shows to be faster).
    """

    codec: Literal["bytes", "characters", "subwords", "tokens", "words"] = "characters"
    nfc: bool = False
    vocabulary: int = 10_000
    unknown: Literal["spell", "unk"] = "spell"
    core: CoreName = "lstm"
    layers: int = 1
    hidden_size: int = 512
    embedding_size: int = 64
    residual: bool = False
    tied: bool = False
    dropout: float = 0.0
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    variational: bool = True
    activation_penalty: float = 0.0
    batch_size: int = 16
    window: int = 48
    restart: float = 0.05
    learning_rate: float = 6e-3
    warmup: float = 0.05
    cooldown: float = 1.0
    weight_decay: float = 0.03
    beta2: float = 0.99
    clip: float = 1.0
    average: float = 0.995
    passes: float | None = None
    patience: int | None = 6
    valid_symbols: int = 50_000
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        values = asdict(self)
        sizes = ("layers", "hidden_size", "embedding_size", "batch_size", "window", "valid_symbols")
        shares = ("dropout", "input_dropout", "recurrent_dropout", "warmup", "average", "beta2")
        problems = [out_of_range(name, values[name], least=1) for name in sizes]
        problems += [out_of_range(name, values[name], least=0, below=1) for name in shares]
        problems += [out_of_range(name, values[name], above=0) for name in ("learning_rate", "clip")]
        problems += [
            out_of_range("vocabulary", self.vocabulary, least=256 if self.codec == "subwords" else 1),
            out_of_range("restart", self.restart, least=0, most=1),
            out_of_range("cooldown", self.cooldown, above=0, most=1),
            out_of_range("passes", 1 if self.passes is None else self.passes, above=0),
            out_of_range("weight_decay", self.weight_decay, least=0),
            out_of_range("activation_penalty", self.activation_penalty, least=0),
            out_of_range("patience", 1 if self.patience is None else self.patience, least=1),
            *self._clashes(),
        ]
        raise_problems(problems)

    def _clashes(self) -> Iterator[str]:
        if self.tied and (self.embedding_size != self.hidden_size or self.core == "jordan"):
            yield (
                "tied = true needs embedding_size = hidden_size and an output layer to tie, got "
                f"embedding_size = {self.embedding_size}, hidden_size = {self.hidden_size}, core = {self.core!r}"
            )
        if self.core.startswith("min-") and self.recurrent_dropout:
            yield f"core = {self.core!r} has no recurrent weights, so recurrent_dropout cannot drop any; use dropout"
        if self.core == "jordan" and self.dropout:
            yield "core = 'jordan' puts out logits, which are never dropped; use input_dropout or recurrent_dropout"
        if self.nfc and self.codec != "characters":
            yield f"nfc = true is for codec = 'characters', got codec = {self.codec!r}"
        if self.unknown == "unk" and self.codec != "words":
            yield f"unknown = 'unk' is for codec = 'words', got codec = {self.codec!r}"


def learn_codec(settings: LanguageModelSettings, texts: Iterable[str], *, end: bool) -> codecs.Codec:
    """Learn the codec that the settings name from the training texts."""
    return codecs.learn(
        settings.codec, texts, end=end, nfc=settings.nfc, vocabulary=settings.vocabulary, unknown=settings.unknown
    )


def build_model(settings: LanguageModelSettings, symbols: int) -> LanguageModel:
    """Build the network, with weights drawn from PyTorch's present random state."""
    from ostinato.models import LanguageModel

    return LanguageModel(
        symbols,
        core=settings.core,
        layers=settings.layers,
        hidden_size=settings.hidden_size,
        embedding_size=settings.embedding_size,
        residual=settings.residual,
        tied=settings.tied,
    )


def shapes(settings: LanguageModelSettings, symbols: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of the network, by name; no PyTorch is needed for that."""
    H, E = settings.hidden_size, settings.embedding_size
    found: dict[str, tuple[int, ...]] = {"embedding.weight": (symbols + 1, E)}
    for layer in range(settings.layers):
        name, I = f"core.layers.{layer}", H if layer else E
        own = _shapes_of_core(settings.core, I, H, symbols if layer == settings.layers - 1 else H)
        found |= {f"{name}.{part}": shape for part, shape in own.items()}
    if settings.core != "jordan":
        found |= {"head.bias": (symbols,)}
        found |= {} if settings.tied else {"head.weight": (symbols, H)}
    return found


def _shapes_of_core(core: str, I: int, H: int, O: int) -> dict[str, tuple[int, ...]]:
    gates = {"gru": 3, "min-gru": 2, "min-lstm": 3}.get(core, 1 if core in ("elman", "elman-relu", "jordan") else 4) * H
    found: dict[str, tuple[int, ...]] = {"weight_ih": (gates, I), "bias": (gates,)}
    if core == "jordan":
        return found | {"weight_sh": (H, O), "output.weight": (O, H), "output.bias": (O,)}
    if not core.startswith("min-"):
        found["weight_hh"] = (gates, H)
    if core == "gru":
        found["candidate_bias"] = (H,)
    if core == "norm-lstm":
        found |= {"input_gain": (gates,), "hidden_gain": (gates,), "cell_gain": (H,), "cell_bias": (H,)}
    if core == "mogrifier":
        found |= {f"rounds.{n}": (H, I) if n % 2 else (I, H) for n in range(MOGRIFIER_ROUNDS)}
    return found


def build_task(settings: LanguageModelSettings, model: LanguageModel) -> LanguageModelTask:
    """Build the task of training a model as the settings say."""
    from ostinato.models import Dropout, LanguageModelTask

    if settings.precision == "auto":
        raise ConfigError("precision = 'auto' is to be resolved by a trial before a task is built")
    dropout = Dropout(settings.input_dropout, settings.dropout, settings.recurrent_dropout, settings.variational)
    return LanguageModelTask(model, dropout, settings.precision, settings.activation_penalty)


def train_settings(settings: LanguageModelSettings, *, seed: int) -> TrainSettings:
    """Select what the trainer needs."""
    from ostinato.training.trainer import TrainSettings

    return TrainSettings(
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        beta2=settings.beta2,
        clip=settings.clip,
        average=settings.average,
        patience=settings.patience,
        seed=seed,
    )
