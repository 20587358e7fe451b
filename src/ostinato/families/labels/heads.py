"""Distributions over the labels of an encoded source, and the best labels: one for each place, or one for all."""

from __future__ import annotations

import abc
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.base import uniform_
from ostinato.cores.encoders import Source
from ostinato.units import Bound


class Best(NamedTuple):
    """The most probable labels of a source.

    Attributes:
        labels: Their ids.
        log_prob: Natural log-probability of all of them together.
        each: Probability of every label at the place of each, [U, V]; ``None`` if the head gives none.
        weights: Weight of each place of the source, [S]; ``None`` if the head gives none.
    """

    labels: list[int]
    log_prob: float
    each: Tensor | None = None
    weights: Tensor | None = None


class LabelHead(nn.Module, abc.ABC):
    """A distribution over the labels of a source.

    Attributes:
        labels: Number of labels V.
        bound: Whether ``log_prob`` is exact.
        best_bound: Whether the log-probability of ``best`` is that of the labels, or a lower bound of it.
    """

    bound: ClassVar[Bound] = "exact"
    best_bound: ClassVar[Bound] = "exact"
    labels: int

    @abc.abstractmethod
    def log_prob(self, source: Source, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the natural log-probability, [B] float32, of labels [B, U] of rows with ``lengths`` [B]."""

    @abc.abstractmethod
    def best(self, source: Source) -> list[Best]:
        """Return the most probable labels of each row."""


class PlaceHead(LabelHead):
    """A label for each place, independent of the others given the source: softmax of ``W m + b``.

    Args:
        memory_size: Width D of the encoder's memory at a place.
        labels: Number of labels V.
    """

    def __init__(self, memory_size: int, labels: int) -> None:
        super().__init__()
        self.labels = labels
        self.weight = nn.Parameter(uniform_(torch.empty(labels, memory_size), memory_size))
        self.bias = nn.Parameter(torch.zeros(labels))

    def logits(self, memory: Tensor) -> Tensor:
        """Return logits [B, S, V] of a memory [B, S, D]."""
        return F.linear(memory, self.weight, self.bias).float()

    def log_prob(self, source: Source, targets: Tensor, lengths: Tensor) -> Tensor:
        log_probs = self.logits(source.memory).log_softmax(dim=-1)
        target_log_probs = log_probs.gather(2, targets[:, :, None])[:, :, 0]
        return (target_log_probs * source.real).sum(dim=1)

    def best(self, source: Source) -> list[Best]:
        log_probs = self.logits(source.memory).log_softmax(dim=-1)
        values, labels = log_probs.max(dim=-1)
        counts = source.real.sum(dim=1).tolist()
        return [
            Best(labels[row, :count].tolist(), values[row, :count].double().sum().item(), log_probs[row, :count].exp())
            for row, count in enumerate(counts)
        ]


class WholeHead(LabelHead):
    """One label for the whole of a source: softmax of ``W p + b``, p being pooled from the encoded source.

    Args:
        memory_size: Width D of the encoder's memory at a place.
        summary_size: Width C of its summary.
        labels: Number of labels V.
        pooling: ``"last"``: p is the summary. ``"mean"``: the mean of all places. ``"attention"``: their mean with
            weights softmax(v · tanh(A m)).

    Source: attention: Yang et al. 2016, "Hierarchical attention networks for document classification".
    """

    def __init__(self, memory_size: int, summary_size: int, labels: int, *, pooling: str = "last") -> None:
        super().__init__()
        self.labels, self.pooling = labels, pooling
        width = summary_size if pooling == "last" else memory_size
        self.weight = nn.Parameter(uniform_(torch.empty(labels, width), width))
        self.bias = nn.Parameter(torch.zeros(labels))
        self.inner = nn.Linear(memory_size, memory_size) if pooling == "attention" else None
        self.query = nn.Parameter(uniform_(torch.empty(memory_size), memory_size)) if pooling == "attention" else None

    def weights(self, source: Source) -> Tensor | None:
        """Return the weight of each place, [B, S]; ``None`` if only the summary counts."""
        if self.pooling == "last":
            return None
        if self.inner is None or self.query is None:
            return source.real / source.real.sum(dim=1, keepdim=True)
        scores = torch.tanh(self.inner(source.memory)) @ self.query
        return scores.float().masked_fill(~source.real, -torch.inf).softmax(dim=1)

    def log_probs(self, source: Source) -> Tensor:
        """Return the natural log-probability of every label, [B, V] float32."""
        weights = self.weights(source)
        pooled = source.summary if weights is None else (weights[:, :, None] * source.memory).sum(dim=1)
        return F.linear(pooled, self.weight, self.bias).float().log_softmax(dim=-1)

    def log_prob(self, source: Source, targets: Tensor, lengths: Tensor) -> Tensor:
        return self.log_probs(source).gather(1, targets[:, :1])[:, 0]

    def best(self, source: Source) -> list[Best]:
        weights, counts = self.weights(source), source.real.sum(dim=1).tolist()
        rows = zip(self.log_probs(source), counts, strict=True)
        return [
            Best(
                [int(row.argmax())], row.max().item(), row.exp()[None], None if weights is None else weights[n, :count]
            )
            for n, (row, count) in enumerate(rows)
        ]
