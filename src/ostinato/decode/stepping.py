"""A language model as the search sees it: prompts of any length in one batch, then one symbol at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ostinato.cores.products import Packed
from ostinato.cores.state import select_rows
from ostinato.decode.graphs import GraphedStep, Step
from ostinato.models.symbol_model import SymbolModel

_WINDOW = 2048  # symbols of a prompt read in one call of the kernel


class LanguageModelStepper:
    """Steps a language model; every row begins with the begin symbol.

    The network may be on any device; on a CUDA device its steps are recorded as graphs. Symbols and
    log-probabilities are on the CPU, where the search runs: its float64 is not available on every device.

    Args:
        model: The model, in evaluation mode.
        progress: Called with the number of prompt symbols read so far and in all; for long prompts.
    """

    def __init__(self, model: SymbolModel, progress: Callable[[int, int], None] | None = None) -> None:
        self._model = model
        self._progress = progress
        self._device = model.device
        self._product = Packed(model)
        self._step: Step = GraphedStep(self._plain_step) if self._device.type == "cuda" else self._plain_step

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        """Read one prompt for each row; equal prompts are read once."""
        unique = sorted({tuple(prompt) for prompt in prompts}, key=len)
        log_probs, state = self._read([(self._model.symbols, *prompt) for prompt in unique])
        place = {prompt: row for row, prompt in enumerate(unique)}
        rows = torch.tensor([place[tuple(prompt)] for prompt in prompts])
        return log_probs.cpu()[rows], select_rows(state, rows.to(self._device))

    @torch.inference_mode()
    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        log_probs, state = self._step(symbols.to(self._device), state)
        return log_probs.cpu(), state

    def _plain_step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self._model.step(symbols, state, product=self._product)

    @torch.inference_mode()
    def _read(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self._device)
        longest = int(lengths.max())
        ids = torch.zeros(len(prompts), longest, dtype=torch.int64)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt)
        ids = ids.to(self._device)
        state = self._model.initial_state(len(prompts))
        last = torch.zeros(len(prompts), self._model.symbols, device=self._device)
        for start in range(0, longest, _WINDOW):
            left = (lengths - start).clamp(0, _WINDOW)
            y, state = self._model.output(ids[:, start : start + _WINDOW], state, lengths=left)
            at = (left - 1).clamp(min=0)[:, None, None].expand(-1, 1, y.shape[2])
            log_probs = self._model.head.log_probs(y.gather(1, at)[:, 0])
            last = torch.where((left > 0)[:, None], log_probs, last)
            if self._progress is not None:
                self._progress(min(start + _WINDOW, longest), longest)
        return last, state
