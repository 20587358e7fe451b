"""NADE: each note given those above it, by a hidden layer that is added to as notes come."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.families.rolls.heads.base import ExactHead

_SPREAD = 0.01  # deviation of the first weights


class NadeHead(ExactHead):
    """P(v | y) = product over notes, the highest first, of P(v_i | the notes above, y).

        a_i = b_h(y) + sum of W_j v_j over the notes j above i
        P(v_i = 1 | …) = sigmoid(b_v(y)_i + V_i sigmoid(a_i))

    The hidden layer changes only where a note sounds. So it is computed once for each note that does, as a running
    sum, and each conditional probability takes the one of its place: no loop over notes.

    Args:
        size: Width H of y.
        notes: Number of notes N.
        hidden: Width K of the hidden layer.

    Source: Larochelle and Murray 2011, AISTATS; with biases that follow a recurrent net: Boulanger-Lewandowski, Bengio
    and Vincent 2012, arXiv:1206.6392.
    """

    def __init__(self, size: int, notes: int, *, hidden: int) -> None:
        super().__init__(notes)
        self.hidden = hidden
        self.hidden_bias, self.note_bias = nn.Linear(size, hidden), nn.Linear(size, notes)
        self.into = nn.Parameter(_SPREAD * torch.randn(notes, hidden))
        self.out_of = nn.Parameter(_SPREAD * torch.randn(notes, hidden))

    def biases(self, y: Tensor) -> Tensor:
        bias: Tensor = self.note_bias(y)
        return bias

    def nats(self, y: Tensor, frames: Tensor) -> Tensor:
        downwards = frames.flip(-1)  # [F, N], highest note first
        logits = self._logits(y, downwards)
        return F.binary_cross_entropy_with_logits(logits, downwards, reduction="none").sum(dim=-1)

    def conditionals(self, y: Tensor, frames: Tensor, generator: torch.Generator) -> Tensor:
        return torch.sigmoid(self._logits(y, frames.flip(-1))).flip(-1)

    def _logits(self, y: Tensor, downwards: Tensor) -> Tensor:
        """Return the logit of each note given those above it, [F, N], highest note first."""
        weights = self.into.flip(0)
        above = downwards.cumsum(dim=-1) - downwards  # [F, N]: how many notes sound above each
        above = above.long()
        frame, note = downwards.nonzero(as_tuple=True)
        most = int(above.max()) + 1 if len(frame) else 0
        added = y.new_zeros(len(y), most + 1, self.hidden)  # [F, M + 1, K]
        added = added.index_put((frame, above[frame, note] + 1), weights[note])
        hidden = torch.sigmoid(self.hidden_bias(y)[:, None] + added.cumsum(dim=1))
        logits: Tensor = hidden @ self.out_of.flip(0).T  # [F, M + 1, N]
        logits = logits.gather(1, above[:, None]).squeeze(1)  # [F, N]
        logits = logits + self.note_bias(y).flip(-1)
        return logits

    def sample_given(
        self, y: Tensor, uniform: Tensor, known: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        bias, weights, out_of = self.note_bias(y).flip(-1), self.into.flip(0), self.out_of.flip(0)
        known = known.flip(0)
        given, wanted = known >= 0, known.float()
        state, drawn, places = self.hidden_bias(y), torch.zeros_like(bias), torch.arange(self.notes, device=y.device)
        at = torch.full((len(y),), -1, device=y.device)  # the last note that was decided on
        logs = y.new_zeros(len(y))
        while True:
            logits = (bias + torch.sigmoid(state) @ out_of.T) / temperature
            left = places > at[:, None]
            sounds = torch.where(given, known == 1, uniform < torch.sigmoid(logits)) & left
            is_left = sounds.any(dim=1)
            # The highest of the notes that are left; all between are silent. Others are decided on anew below it.
            reached = torch.where(is_left, sounds.float().argmax(dim=1), self.notes)
            if bool(given.any()):
                passed = left & (places <= reached[:, None]) & given
                log = -F.binary_cross_entropy_with_logits(logits, wanted.expand_as(logits), reduction="none")
                logs = logs + torch.where(passed, log, 0.0).sum(dim=1)
            if not is_left.any():
                return drawn.flip(-1), logs
            at, row = reached, is_left.nonzero(as_tuple=True)[0]
            drawn[row, at[row]] = 1.0
            state = state.index_add(0, row, weights[at[row]])
