"""Connectionist temporal classification: label sequences without alignment."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ostinato.cores.encoders import Source
from ostinato.families.labels.heads import Best, LabelHead, PlaceHead


class PathHead(LabelHead):
    """Distribution of label sequences: the sum over all paths that write them.

    A path has one symbol for each place: a label or a blank, which is id V. It writes the labels that are left when
    first equal neighbours are merged and then blanks removed.

    Args:
        memory_size: Width D of the encoder's memory at a place.
        labels: Number of labels V.

    Source: Graves et al. 2006, "Connectionist temporal classification".
    """

    best_bound = "lower"  # other paths write the same labels

    def __init__(self, memory_size: int, labels: int) -> None:
        super().__init__()
        self.labels = self.blank = labels
        self.place = PlaceHead(memory_size, labels + 1)

    def path_log_probs(self, source: Source) -> Tensor:
        """Return the natural log-probability of each label, and of the blank, at each place, [B, S, V + 1]."""
        return self.place.logits(source.memory).log_softmax(dim=-1)

    def log_prob(self, source: Source, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the natural log-probability of labels, [B]; -inf if a row has fewer places than its labels need."""
        log_probs = self.path_log_probs(source).transpose(0, 1)
        places = source.real.sum(dim=1)
        return -F.ctc_loss(log_probs, targets, places, lengths, blank=self.blank, reduction="none")

    def best(self, source: Source) -> list[Best]:
        """Return the labels that the best path writes, not always the most probable, and the path's log-probability."""
        log_probs = self.path_log_probs(source)
        values, symbols = log_probs.max(dim=-1)
        counts = source.real.sum(dim=1).tolist()
        return [
            Best(written(symbols[row, :count].tolist(), self.blank), values[row, :count].double().sum().item())
            for row, count in enumerate(counts)
        ]


def written(path: list[int], blank: int) -> list[int]:
    """Return the labels that a path writes.

    >>> written([2, 0, 0, 2, 0, 1, 1], blank=2)
    [0, 0, 1]
    """
    joined = [symbol for symbol, before in zip(path, [blank, *path], strict=False) if symbol != before]
    return [symbol for symbol in joined if symbol != blank]
