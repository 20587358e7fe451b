"""A model of pairs as the search steps it: the prompt is the source, and the text written is the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ostinato.cores.products import Packed
from ostinato.cores.state import select_rows
from ostinato.families.pairs.network import Seq2Seq


class Seq2SeqStepper:
    """Stepper of the decoder of a model of pairs; every target begins with the begin symbol.

    Symbols and log-probabilities are on the CPU, where the search runs.

    Args:
        model: The model, in evaluation mode.
    """

    def __init__(self, model: Seq2Seq) -> None:
        self._model, self._device, self._product = model, model.device, Packed(model)

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        """Read one source for each row; equal sources are read once."""
        unique = sorted({tuple(prompt) for prompt in prompts}, key=len)
        state = self._model.begin(self._model.encode(*padded(unique, self._device)))
        begin = torch.full((len(unique),), self._model.symbols, device=self._device)
        log_probs, state = self._model.step(begin, state, product=self._product)
        place = {prompt: row for row, prompt in enumerate(unique)}
        rows = torch.tensor([place[tuple(prompt)] for prompt in prompts])
        return log_probs.cpu()[rows], select_rows(state, rows.to(self._device))

    @torch.inference_mode()
    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Append one symbol to each row, [R]; return the log-probabilities of the next [R, V], and the state."""
        log_probs, state = self._model.step(symbols.to(self._device), state, product=self._product)
        return log_probs.cpu(), state


def padded(sequences: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return sequences of ids side by side, [B, longest] and padded with id 0, and their lengths, [B]."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.tensor(sequence)
    return ids.to(device), lengths.to(device)
