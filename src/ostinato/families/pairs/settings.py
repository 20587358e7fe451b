"""Settings that all recipes for pairs share, and the codec, model and task that are built from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ostinato import codecs
from ostinato.codecs import PairCodec
from ostinato.config import out_of_range
from ostinato.errors import ConfigError
from ostinato.families.encoding import build_encoder, build_stack
from ostinato.families.settings import WIDEST, CoreSettings, FeedbackSettings, build_feedback

if TYPE_CHECKING:
    from ostinato.cores.base import Core
    from ostinato.cores.encoders import Encoder
    from ostinato.families.pairs.network import Seq2Seq, Seq2SeqTask


@dataclass(frozen=True)
class PairSettings(FeedbackSettings, CoreSettings):
    """Settings of a model of pairs, besides those of every recipe. Both sides have the same core and sizes.

    ``dropout`` applies to the encoder's memory and to the decoder's outputs.

    Attributes:
        codec: Codec of both sides: characters, bytes, words or subwords.
        vocabulary: For words and subwords: most symbols of each side.
        unknown: For words: ``spell`` writes unknown ones in bytes, ``unk`` makes each ``<unk>``.
        encoder: both-ways, forwards, backwards (reads sources from their end) or convolutional.
        decoder: additive or multiplicative attention, summary (read at every step), last-state, or convolutional
            (with attention in every layer).
        embedding_size: Width of an embedded symbol.
        attention_size: Width of the vectors that additive attention compares.
        kernel: Number of places that a convolution reads.
        longest: Number of places with an embedding of their own, in convolutions; sources may not be longer.
        input_dropout: Probability that a number of an embedded symbol is dropped.
        lower: Whether letters are made small, on both sides.
    """

    codec_settings: ClassVar[tuple[str, ...]] = ("codec", "vocabulary", "unknown")
    codec: Literal["bytes", "characters", "subwords", "words"] = "characters"
    vocabulary: int = 10_000
    unknown: Literal["spell", "unk"] = "unk"
    encoder: Literal["both-ways", "forwards", "backwards", "convolutional"] = "both-ways"
    decoder: Literal["additive", "multiplicative", "summary", "last-state", "convolutional"] = "additive"
    core: str = "gru"
    hidden_size: int = 256
    embedding_size: int = 128
    attention_size: int = 128
    kernel: int = 3
    longest: int = 512
    input_dropout: float = 0.0
    lower: bool = False

    def problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        yield from super().problems()
        values = asdict(self)
        for name in ("embedding_size", "attention_size", "kernel", "longest"):
            yield out_of_range(name, values[name], least=1, most=WIDEST)
        yield out_of_range("input_dropout", self.input_dropout, least=0, below=1)
        yield out_of_range("vocabulary", self.vocabulary, least=256 if self.codec == "subwords" else 1)
        yield from self._clashes()

    def _clashes(self) -> Iterator[str]:
        if self.core == "jordan":
            yield "core = 'jordan' puts out logits of its own, which no decoder can read; choose another core"
        if (self.encoder == "convolutional") != (self.decoder == "convolutional"):
            yield (
                "encoder = 'convolutional' and decoder = 'convolutional' go together, got "
                f"encoder = {self.encoder!r}, decoder = {self.decoder!r}"
            )
        if self.decoder == "last-state" and self.encoder == "both-ways":
            yield "decoder = 'last-state' needs an encoder that reads one way: encoder = 'forwards' or 'backwards'"
        if self.encoder == "convolutional" and self.kernel % 2 == 0:
            yield f"kernel must be odd, so that each place has as many before as after it; got {self.kernel}"


def learn_pair_codec(settings: PairSettings, sources: Sequence[str], targets: Sequence[str]) -> PairCodec:
    """Learn the codec of each side."""
    options: dict[str, Any] = {"vocabulary": settings.vocabulary, "unknown": settings.unknown}
    spaced = " " if settings.codec == "words" else ""
    return PairCodec(
        codecs.learn(settings.codec, [spaced + text for text in sources], end=False, **options),
        codecs.learn(settings.codec, [spaced + text for text in targets], end=True, **options),
    )


def build_pair_model(settings: PairSettings, codec: PairCodec) -> Seq2Seq:
    """Build the network, with weights drawn from PyTorch's present random state."""
    from ostinato.families.pairs.network import Seq2Seq

    encoder = build_encoder(settings, settings.embedding_size)
    return Seq2Seq(
        encoder,
        _decoder(settings, encoder),
        output_size=settings.hidden_size,
        source_symbols=codec.source.size,
        symbols=codec.size,
        embedding_size=settings.embedding_size,
    )


def build_pair_task(settings: PairSettings, model: Seq2Seq) -> Seq2SeqTask:
    """Build the task of training a model as the settings say."""
    from ostinato.families.pairs.network import Seq2SeqTask

    if settings.precision == "auto":
        raise ConfigError("precision = 'auto' is to be resolved by a trial before a task is built")
    return Seq2SeqTask(
        model,
        input_dropout=settings.input_dropout,
        dropout=settings.dropout,
        precision=settings.precision,
        feedback=build_feedback(settings),
    )


def _decoder(settings: PairSettings, encoder: Encoder) -> Core[Any]:
    from ostinato.cores.attention import AdditiveAttention, MultiplicativeAttention
    from ostinato.cores.conv_decoder import ConvolutionalDecoder
    from ostinato.cores.decoders import FromLastState, WithSummary

    E, H = settings.embedding_size, settings.hidden_size
    D, C = encoder.memory_size, encoder.summary_size
    match settings.decoder:
        case "last-state":
            return FromLastState(build_stack(settings, E), H)
        case "summary":
            return WithSummary(build_stack(settings, E + C), E, C, H)
        case "multiplicative":
            return MultiplicativeAttention(build_stack(settings, E + H), memory_size=D, summary_size=C, output_size=H)
        case "convolutional":
            layers, kernel, places = settings.layers, settings.kernel, settings.longest
            return ConvolutionalDecoder(E, H, layers=layers, kernel=kernel, places=places)
    attention = settings.attention_size
    core = build_stack(settings, E + D)
    return AdditiveAttention(core, E, memory_size=D, summary_size=C, output_size=H, attention_size=attention)


def going_together(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the chosen encoder or decoder requires of the other."""
    required: dict[str, Any] = {}
    if "convolutional" in (given.get("encoder"), given.get("decoder")):
        required = {"encoder": "convolutional", "decoder": "convolutional", "layers": 4}
    elif given.get("decoder") == "last-state":
        required = {"encoder": "backwards"}
    return required
