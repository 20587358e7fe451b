"""A linear-chain conditional random field: each label depends on the label before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ostinato.cores.encoders import Source, real_places
from ostinato.families.labels.heads import Best, LabelHead, PlaceHead


class ChainHead(LabelHead):
    """Joint distribution of the labels of all places.

        score(y) = a_{y_1} + Σ_t (W m_t + b)_{y_t} + Σ_t A_{y_{t-1}, y_t} + z_{y_S}        P(y) = exp score(y) / Z

    Z is the sum over all label sequences, by the forward recursion; the best sequence is Viterbi's.

    Args:
        memory_size: Width D of the encoder's memory at a place.
        labels: Number of labels V.

    Source: Lafferty, McCallum and Pereira 2001; on recurrent networks: Huang, Xu and Yu 2015, arXiv:1508.01991.
    """

    def __init__(self, memory_size: int, labels: int) -> None:
        super().__init__()
        self.labels = labels
        self.place = PlaceHead(memory_size, labels)
        self.transitions = nn.Parameter(torch.zeros(labels, labels))
        self.first = nn.Parameter(torch.zeros(labels))
        self.last = nn.Parameter(torch.zeros(labels))

    def log_prob(self, source: Source, targets: Tensor, lengths: Tensor) -> Tensor:
        emissions = self.place.logits(source.memory)
        # At most 0, but for rounding.
        return (self.score(emissions, targets, lengths) - self.log_partition(emissions, lengths)).clamp(max=0)

    def score(self, emissions: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the score [B] of labels [B, S], given the scores of each place alone [B, S, V]."""
        real = real_places(lengths, targets.shape[1])
        own = emissions.gather(2, targets[:, :, None])[:, :, 0]
        steps = self.transitions[targets[:, :-1], targets[:, 1:]]
        ends = self.last[targets.gather(1, (lengths - 1)[:, None])[:, 0]]
        return (own * real).sum(dim=1) + (steps * real[:, 1:]).sum(dim=1) + self.first[targets[:, 0]] + ends

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return log Z, [B]."""
        alpha = self.first + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            after = (alpha[:, :, None] + self.transitions).logsumexp(dim=1) + emissions[:, t]
            alpha = torch.where((lengths > t)[:, None], after, alpha)
        return (alpha + self.last).logsumexp(dim=1)

    def best(self, source: Source) -> list[Best]:
        emissions, lengths = self.place.logits(source.memory), source.real.sum(dim=1)
        scores, paths = self.viterbi(emissions, lengths)
        values = (scores - self.log_partition(emissions, lengths)).tolist()
        return [Best(path, value) for path, value in zip(paths, values, strict=True)]

    def viterbi(self, emissions: Tensor, lengths: Tensor) -> tuple[Tensor, list[list[int]]]:
        """Return the highest score of each row, [B], and the labels that have it.

        Source: Viterbi 1967.
        """
        alpha, backs = self.first + emissions[:, 0], []
        for t in range(1, emissions.shape[1]):
            best, before = (alpha[:, :, None] + self.transitions).max(dim=1)
            backs.append(before)
            alpha = torch.where((lengths > t)[:, None], best + emissions[:, t], alpha)
        scores, ends = (alpha + self.last).max(dim=1)
        steps = torch.stack(backs, dim=1).tolist() if backs else [[]] * len(emissions)
        paths = []
        for row, (end, length) in enumerate(zip(ends.tolist(), lengths.tolist(), strict=True)):
            path = [end]
            for t in range(length - 2, -1, -1):
                path.append(steps[row][t][path[-1]])
            paths.append(path[::-1])
        return scores, paths
