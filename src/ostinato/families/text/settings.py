"""Settings that all language-model recipes share, and the codec, model and task that are built from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ostinato import codecs
from ostinato.config import one_of, out_of_range
from ostinato.cores.table import CORES
from ostinato.errors import ConfigError
from ostinato.families.settings import WIDEST, CoreSettings, FeedbackSettings, build_feedback

if TYPE_CHECKING:
    from ostinato.families.text.network import LanguageModel, LanguageModelTask


@dataclass(frozen=True)
class LanguageModelSettings(FeedbackSettings, CoreSettings):
    """Settings of a language model, besides those of training; ``--set NAME=VALUE`` changes one.

    Attributes:
        codec: characters, bytes, words, plain-words (split at white space, as the papers do) or subwords.
        nfc: For characters: bring text to Unicode's composed form.
        vocabulary: For words, plain-words and subwords: most symbols.
        unknown: For words: ``spell`` writes unknown ones in bytes, ``unk`` makes each ``<unk>``, as plain-words
            always do.
        embedding_size: Width of an embedded symbol.
        residual: Layers from the second on add to their input.
        tied: The output layer shares its weight with the embedding.
        input_dropout: Probability that a number of an embedded input is dropped.
        recurrent_dropout: Probability that a recurrent weight is dropped (DropConnect).
        variational: Dropout masks are drawn once per window row, not at each step.
        activation_penalty: Factor of a penalty on the mean square of the last layer's outputs.
        window: Time steps that back-propagation reaches.
        restart: Probability that a row of running text starts anew at a window.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("codec", "nfc", "vocabulary", "unknown")
    codec: str = "characters"
    nfc: bool = False
    vocabulary: int = 10_000
    unknown: Literal["spell", "unk"] = "spell"
    embedding_size: int = 64
    residual: bool = False
    tied: bool = False
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    variational: bool = True
    activation_penalty: float = 0.0
    window: int = 48
    restart: float = 0.05

    def problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield from super().problems()
        values = asdict(self)
        yield one_of("codec", self.codec, codecs.codec_names())
        yield out_of_range("embedding_size", self.embedding_size, least=1, most=WIDEST)
        yield out_of_range("window", self.window, least=1)
        for name in ("input_dropout", "recurrent_dropout"):
            yield out_of_range(name, values[name], least=0, below=1)
        yield out_of_range("vocabulary", self.vocabulary, least=256 if self.codec == "subwords" else 1)
        yield out_of_range("restart", self.restart, least=0, most=1)
        yield out_of_range("activation_penalty", self.activation_penalty, least=0)
        yield from self._clashes()

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
        if self.feedback != "never" and (self.recurrent_dropout or not self.variational):
            yield "feedback goes step by step, with recurrent_dropout = 0 and variational = true only"
        if self.nfc and self.codec != "characters":
            yield f"nfc = true is for codec = 'characters', got codec = {self.codec!r}"
        if self.unknown == "unk" and self.codec not in ("words", "plain-words"):
            yield f"unknown = 'unk' is for codec = 'words' or 'plain-words', got codec = {self.codec!r}"
        if self.unknown == "spell" and self.codec == "plain-words":
            yield "codec = 'plain-words' spells no word: it goes with unknown = 'unk'"


def learn_codec(settings: LanguageModelSettings, texts: Iterable[str], *, end: bool) -> codecs.Codec:
    """Learn the codec that the settings name from the training texts."""
    return codecs.learn(
        settings.codec, texts, end=end, nfc=settings.nfc, vocabulary=settings.vocabulary, unknown=settings.unknown
    )


def build_model(settings: LanguageModelSettings, symbols: int) -> LanguageModel:
    """Build the network, with weights drawn from PyTorch's present random state."""
    from ostinato.families.text.network import LanguageModel

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
    """Return the shape of every weight of the network, by name, without PyTorch."""
    H, E = settings.hidden_size, settings.embedding_size
    weights: dict[str, tuple[int, ...]] = {"embedding.weight": (symbols + 1, E)}
    for layer in range(settings.layers):
        name, I = f"core.layers.{layer}", H if layer else E
        own = CORES[settings.core].shapes(I, H, symbols if layer == settings.layers - 1 else H)
        weights |= {f"{name}.{part}": shape for part, shape in own.items()}
    if settings.core != "jordan":
        weights |= {"head.bias": (symbols,)}
        weights |= {} if settings.tied else {"head.weight": (symbols, H)}
    return weights


def build_task(settings: LanguageModelSettings, model: LanguageModel) -> LanguageModelTask:
    """Build the task of training a model as the settings say."""
    from ostinato.families.text.network import Dropout, LanguageModelTask

    if settings.precision == "auto":
        raise ConfigError("precision = 'auto' is to be resolved by a trial before a task is built")
    dropout = Dropout(settings.input_dropout, settings.dropout, settings.recurrent_dropout, settings.variational)
    return LanguageModelTask(model, dropout, settings.precision, settings.activation_penalty, build_feedback(settings))
