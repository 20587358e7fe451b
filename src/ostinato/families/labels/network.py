"""Labels for sequences: an input layer, an encoder, a distribution over labels, and the task of training them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ostinato.batch import PairBatch, SymbolBatch
from ostinato.cores.base import to_float32
from ostinato.cores.encoders import Encoder, Source
from ostinato.errors import ConfigError
from ostinato.families.labels.heads import LabelHead
from ostinato.families.labels.inputs import Input
from ostinato.models.randomness import Randomness, factors
from ostinato.models.task import Context, Loss


class LabelMasks(NamedTuple):
    """Dropout masks of a batch, one for all places of a row: factors 0 or 1/(1-p), or ``None`` for no dropout.

    Attributes:
        input: Mask of the encoder's inputs, [B, 1, I].
        memory: Mask of its memory, [B, 1, D].
        summary: Mask of its summary, [B, C].
    """

    input: Tensor | None = None
    memory: Tensor | None = None
    summary: Tensor | None = None


class Labeller(nn.Module):
    """P(labels | source).

    Args:
        input: Layer from ids or frames to vectors.
        encoder: Encoder of these vectors.
        head: Distribution over labels, given the encoded source.
    """

    def __init__(self, input: Input, encoder: Encoder, head: LabelHead) -> None:
        super().__init__()
        self.input, self.encoder, self.head = input, encoder, head

    def encode(self, sources: Tensor, lengths: Tensor, masks: LabelMasks | None = None) -> Source:
        """Encode ids [B, S] or frames [B, S, D] of rows with ``lengths`` [B].

        Raises:
            ConfigError: A source is longer than the encoder reads.
        """
        masks = masks or LabelMasks()
        xs, places = self.input(sources, lengths)
        most = self.encoder.longest
        if most is not None and xs.shape[1] > most:
            raise ConfigError(
                f"a source has {xs.shape[1]} places, and this encoder reads {most}; leave it out, or train with "
                f"--set longest={xs.shape[1]}"
            )
        source: Source = self.encoder(xs if masks.input is None else xs * masks.input, places)
        # Heads add up over many places: in float32, whatever type a kernel gave out.
        source = source._replace(memory=to_float32(source.memory), summary=to_float32(source.summary))
        if masks.memory is not None:
            source = source._replace(memory=source.memory * masks.memory)
        return source if masks.summary is None else source._replace(summary=source.summary * masks.summary)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device


class LabelTask:
    """Task of training on labels: the sum of -log P(labels | source), counted by label.

    Args:
        model: The model.
        input_dropout: Dropout of the encoder's inputs.
        dropout: Dropout of its memory and summary.
        precision: ``"bfloat16"`` runs the matrix products of training steps in that type.
    """

    def __init__(
        self,
        model: Labeller,
        *,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.model, self.precision = model, precision
        self._input_dropout, self._dropout = input_dropout, dropout

    @property
    def module(self) -> nn.Module:
        return self.model

    def initial_state(self, batch_size: int) -> Any:
        """Return nothing: sequences are independent."""
        return ()

    def loss(self, batch: SymbolBatch, state: Any, context: Context) -> tuple[Loss, Any]:
        assert isinstance(batch, PairBatch)
        assert batch.lengths is not None
        device = self.model.device
        targets, lengths, sources, source_lengths = (
            torch.from_numpy(array).to(device)
            for array in (batch.targets, batch.lengths, batch.sources, batch.source_lengths)
        )
        targets = targets[:, : int(lengths.max())]  # a part of a batch may be narrower than the whole
        random = context.random if context.training else None
        masks = LabelMasks() if random is None else self._masks(random, len(targets))
        enabled = context.training and self.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            source = self.model.encode(sources, source_lengths, masks)
        log_prob = self.model.head.log_prob(source, targets, lengths)
        return Loss(-log_prob, batch.count), ()

    def _masks(self, random: Randomness, B: int) -> LabelMasks:
        model, device = self.model, self.model.device

        def mask(site: str, p: float, *shape: int) -> Tensor | None:
            return factors(random.rows(site, B, *shape), p).to(device) if p else None

        return LabelMasks(
            mask("input", self._input_dropout, 1, model.input.size),
            mask("memory", self._dropout, 1, model.encoder.memory_size),
            mask("summary", self._dropout, model.encoder.summary_size),
        )
