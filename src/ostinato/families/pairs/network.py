"""From a sequence to another one: an encoder, a decoder that reads its memory, and the task of training both."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ostinato.batch import PairBatch, SymbolBatch
from ostinato.cores.base import Core
from ostinato.cores.encoders import Encoder, Source, real_places
from ostinato.cores.products import Product, plain
from ostinato.errors import ConfigError
from ostinato.models.feedback import Feedback, run_fed_back
from ostinato.models.heads.softmax import SoftmaxHead
from ostinato.models.randomness import Randomness, factors
from ostinato.models.task import Context, Loss


class Seq2Seq(nn.Module):
    """P(target | source), symbol by symbol.

        source = encoder(E_s[x])      y_t, s_t = decoder(E_t[y_{t-1}], s_{t-1})      P(y_t) = softmax(W y_t + b)

    Args:
        encoder: Encoder of embedded sources.
        decoder: Core whose initial state comes from the encoded source.
        output_size: Width H of the decoder's outputs.
        source_symbols: Number of symbols of the source codec.
        symbols: Number of symbols V that can be predicted; id V is the begin symbol, an input only.
        embedding_size: Width E of an embedded symbol, on both sides.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Core[Any],
        *,
        output_size: int,
        source_symbols: int,
        symbols: int,
        embedding_size: int,
    ) -> None:
        super().__init__()
        self.symbols, self.output_size, self.embedding_size = symbols, output_size, embedding_size
        self.source_embedding = nn.Embedding(source_symbols, embedding_size)
        self.encoder = encoder
        self.embedding = nn.Embedding(symbols + 1, embedding_size)
        self.decoder = decoder
        self.head = SoftmaxHead(output_size, symbols)

    def encode(self, sources: Tensor, lengths: Tensor, *, mask: Tensor | None = None) -> Source:
        """Encode ids [B, S] of rows with ``lengths`` [B]; ``mask`` multiplies the embedded symbols.

        Raises:
            ConfigError: A source is longer than the encoder reads.
        """
        most = self.encoder.longest
        if most is not None and sources.shape[1] > most:
            raise ConfigError(
                f"a source has {sources.shape[1]} symbols, and this encoder reads {most}; leave it out (--longest), or "
                f"train with --set longest={sources.shape[1]}"
            )
        embedded = self.source_embedding(sources)
        return self.encoder(embedded if mask is None else embedded * mask, lengths)  # type: ignore[no-any-return]

    def begin(self, source: Source) -> Any:
        """Return the state before a target's first symbol."""
        return self.decoder.initial_state(len(source.memory), source)

    def output(
        self, inputs: Tensor, state: Any, *, lengths: Tensor | None = None, masks: PairMasks | None = None
    ) -> tuple[Tensor, Any]:
        """Return the decoder's outputs [B, T, H] and the final state, for input ids [B, T]."""
        output = None if masks is None else masks.output
        return self.decoder(self.embed(inputs, masks), state, lengths=lengths, masks=output)  # type: ignore[no-any-return]

    def embed(self, inputs: Tensor, masks: PairMasks | None = None) -> Tensor:
        """Return the decoder's inputs for ids."""
        embedded: Tensor = self.embedding(inputs)
        return embedded if masks is None or masks.input is None else embedded * masks.input

    def step(self, symbols: Tensor, state: Any, *, product: Product = plain) -> tuple[Tensor, Any]:
        """Return the log-probability of every next symbol [B, V] and the state after one symbol per row [B]."""
        y, state = self.decoder.step(self.embedding(symbols), state, product=product)
        return self.head.log_probs(y), state

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.embedding.weight.device


class PairMasks(NamedTuple):
    """Dropout masks of a batch, one for all places of a row: factors 0 or 1/(1-p), or ``None`` for no dropout.

    Attributes:
        source: Mask of embedded sources, [B, 1, E].
        memory: Mask of the encoder's memory, [B, 1, D].
        input: Mask of embedded targets, [B, 1, E].
        output: Mask of the decoder's outputs, [B, 1, H].
    """

    source: Tensor | None = None
    memory: Tensor | None = None
    input: Tensor | None = None
    output: Tensor | None = None


class Seq2SeqTask:
    """Task of training on pairs: the sum of -log P(target symbol | source, symbols before) over real places.

    Args:
        model: The model.
        input_dropout: Dropout of embedded symbols, on both sides.
        dropout: Dropout of the encoder's memory, and of the decoder's outputs.
        precision: ``"bfloat16"`` runs the matrix products of training steps in that type.
        feedback: Schedule by which the model's own symbols are read in training; evaluation is always teacher-forced.

    Source: one mask per sequence: Gal and Ghahramani 2016, arXiv:1512.05287.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        precision: Literal["float32", "bfloat16"] = "float32",
        feedback: Feedback | None = None,
    ) -> None:
        self.model, self.precision = model, precision
        self._input_dropout, self._dropout = input_dropout, dropout
        self._feedback = feedback or Feedback()

    @property
    def module(self) -> nn.Module:
        return self.model

    def initial_state(self, batch_size: int) -> Any:
        """Return nothing: pairs are independent."""
        return ()

    def loss(self, batch: SymbolBatch, state: Any, context: Context) -> tuple[Loss, Any]:
        assert isinstance(batch, PairBatch)
        assert batch.lengths is not None
        device = self.model.device
        inputs, targets, lengths, sources, source_lengths = (
            torch.from_numpy(ids).to(device)
            for ids in (batch.inputs, batch.targets, batch.lengths, batch.sources, batch.source_lengths)
        )
        random = context.random if context.training else None
        masks = PairMasks() if random is None else self._masks(random, len(inputs))
        enabled = context.training and self.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            source = self.model.encode(sources, source_lengths, mask=masks.source)
            if masks.memory is not None:
                source = source._replace(memory=source.memory * masks.memory)
            y = self._output(inputs, self.model.begin(source), lengths, masks, random)
            log_probs = self.model.head.log_prob(y, targets)
        real = real_places(lengths, targets.shape[1])
        return Loss(-(log_probs * real).sum(dim=1), batch.count), ()

    def _output(
        self, inputs: Tensor, state: Any, lengths: Tensor, masks: PairMasks, random: Randomness | None
    ) -> Tensor:
        model = self.model
        if random is None or self._feedback.schedule == "never":
            return model.output(inputs, state, lengths=lengths, masks=masks)[0]
        return run_fed_back(
            model.decoder, model.head, lambda ids: model.embed(ids, masks), inputs, state,
            lengths=lengths, masks=masks.output, feedback=self._feedback, random=random,
        )[0]  # fmt: skip

    def _masks(self, random: Randomness, B: int) -> PairMasks:
        model, device = self.model, self.model.device

        def mask(site: str, width: int, p: float) -> Tensor | None:
            return factors(random.rows(site, B, 1, width), p).to(device) if p else None

        E = model.embedding_size
        return PairMasks(
            mask("source", E, self._input_dropout),
            mask("memory", model.encoder.memory_size, self._dropout),
            mask("input", E, self._input_dropout),
            mask("output", model.output_size, self._dropout),
        )
