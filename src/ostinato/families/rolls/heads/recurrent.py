"""A recurrence along pitch: each note given those above it, its neighbours one frame before, and the core."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.base import Core
from ostinato.cores.table import new_core
from ostinato.families.rolls.heads.base import ExactHead
from ostinato.models.randomness import Randomness, factors

_AT_ONCE = 4096  # frames whose notes are walked through side by side, where nothing is learned
_AROUND = 12  # semitones on each side: an octave


class NoteRecurrence(ExactHead):
    """P(v | y) = product over notes, the highest first, of P(v_i | the notes above, the frame before, y).

        x_i      = [v_{i+1}; the frame before from i - 12 to i + 12; U_i y]
        h_i, s_i = core(x_i, s_{i+1})
        P(v_i = 1 | …) = sigmoid(w h_i + b(y)_i)

    The core along pitch has the same weights at every note, and what it sees of the frame before moves with the note;
    so an interval that was learned in one place is known in all.

    Args:
        size: Width H of the output of the core along time.
        notes: Number of notes N.
        core: Name of the core along pitch.
        units: Its width K.
        features: Width of U_i y.
        dropout: Dropout of h_i in training, one mask for all notes of a frame.

    Source: the idea of two axes, time and pitch: Johnson 2017, "Generating polyphonic music using tied parallel
    networks", EvoMUSART.
    """

    reads_frame_before: ClassVar[bool] = True

    def __init__(
        self, size: int, notes: int, *, core: str, units: int, features: int = 16, dropout: float = 0.0
    ) -> None:
        super().__init__(notes)
        self.units, self.features, self._dropout = units, features, dropout
        self.note_features, self.note_bias = nn.Linear(size, notes * features), nn.Linear(size, notes)
        self.core: Core[Any] = new_core(core, 1 + 2 * _AROUND + 1 + features, units, units)
        self.read_out = nn.Linear(units, 1)

    def biases(self, y: Tensor) -> Tensor:
        bias: Tensor = self.note_bias(y[:, : -self.notes])  # without the frame before
        return bias

    def nats(self, y: Tensor, frames: Tensor) -> Tensor:
        parts = zip(torch.split(y, _AT_ONCE), torch.split(frames, _AT_ONCE), strict=True)
        return torch.cat([_losses(self._logits(own, of), of).sum(dim=-1) for own, of in parts])

    def training_loss(self, y: Tensor, frames: Tensor, rows: tuple[int, int], random: Randomness | None) -> Tensor:
        mask = None
        if random is not None and self._dropout:
            B, T = rows
            kept = random.rows("notes", B, T, self.units).to(y.device).reshape(B * T, 1, self.units)
            mask = factors(kept, self._dropout)
        return _losses(self._logits(y, frames, mask), frames).sum(dim=-1)

    def conditionals(self, y: Tensor, frames: Tensor, generator: torch.Generator) -> Tensor:
        parts = zip(torch.split(y, _AT_ONCE), torch.split(frames, _AT_ONCE), strict=True)
        return torch.cat([torch.sigmoid(self._logits(own, of)) for own, of in parts])

    def _logits(self, y: Tensor, frames: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the logit of each note given those above it, [F, N]."""
        seen, bias = self._of_notes(y)  # [F, N, I - 1] and [F, N], the highest note first
        above = F.pad(frames.flip(-1), (1, 0))[:, :-1, None]  # [F, N, 1]
        outputs, _ = self.core(torch.cat([above, seen], dim=-1), masks=mask)
        logits: Tensor = self.read_out(outputs.float()).squeeze(-1) + bias
        return logits.flip(-1)

    def _of_notes(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each note sees besides the note above, [F, N, I - 1], and its bias, [F, N]; highest first."""
        of_core, before = y[:, : -self.notes], y[:, -self.notes :]
        around = F.pad(before, (_AROUND, _AROUND)).unfold(1, 2 * _AROUND + 1, 1)  # [F, N, 2 A + 1]
        features = self.note_features(of_core).reshape(len(y), self.notes, self.features)
        return torch.cat([around, features], dim=-1).flip(1), self.note_bias(of_core).flip(-1)

    def sample_given(
        self, y: Tensor, uniform: Tensor, known: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        seen, bias = self._of_notes(y)
        state: Any = self.core.initial_state(len(y))
        note, logs, drawn = y.new_zeros(len(y)), y.new_zeros(len(y)), []
        for place, wanted in enumerate(known.flip(0).tolist()):
            output, state = self.core.step(torch.cat([note[:, None], seen[:, place]], dim=-1), state)
            logit = (self.read_out(output).squeeze(-1) + bias[:, place]) / temperature
            if wanted < 0:
                note = (uniform[:, place] < torch.sigmoid(logit)).to(y)
            else:
                note = torch.full_like(note, wanted)
                logs = logs - _losses(logit, note)
            drawn.append(note)
        return torch.stack(drawn, dim=-1).flip(-1), logs


def _losses(logits: Tensor, notes: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, notes, reduction="none")
