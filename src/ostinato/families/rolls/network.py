"""The network of a model of rolls (a stack of cores and a head), and the task of training it."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ostinato.cores.base import Core, to_float32
from ostinato.families.rolls.batches import RollBatch
from ostinato.families.rolls.heads.base import RollHead
from ostinato.models.randomness import Randomness, factors
from ostinato.models.task import Context, Loss


class RollNetwork(nn.Module):
    """P(frame | all frames before).

        y_t, s_t = core(v_{t-1}, s_{t-1})        P(v_t) = head(y_t)

    Args:
        core: The core, which reads frames of N notes.
        head: The distribution over frames.
        notes: Number of notes N.
    """

    def __init__(self, core: Core[Any], head: RollHead, notes: int) -> None:
        super().__init__()
        self.core, self.head, self.notes = core, head, notes

    def initial_state(self, batch_size: int) -> Any:
        """Return the state before the first frame."""
        return self.core.initial_state(batch_size)

    def read(
        self, frames: Tensor, state: Any, *, lengths: Tensor | None = None, masks: Any = None
    ) -> tuple[Tensor, Any]:
        """Read rolls, and return what the head is given at each frame.

        Args:
            frames: The frame before each, [B, T, N].
            state: State before the first.
            lengths: Number of real frames of each row, [B]; ``None``: all.
            masks: Masks of the cores' outputs.

        Returns:
            Vectors y, [B, T, Y], and the state after each row's last real frame.
        """
        y, state = self.core(frames, state, lengths=lengths, masks=masks)
        return self._beside(to_float32(y), frames), state

    def step(self, frame: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read one frame [B, N], and return what the head is given, [B, Y], and the state after it."""
        y, state = self.core.step(frame, state)
        return self._beside(to_float32(y), frame), state

    def _beside(self, y: Tensor, frame: Tensor) -> Tensor:
        return torch.cat([y, frame], dim=-1) if self.head.reads_frame_before else y

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device


class RollTask:
    """Task of training on rolls: the sum of -ln P(frame | frames before), counted by frame.

    Args:
        network: The network.
        layers: Number of its cores.
        hidden_size: Width of each.
        input_dropout: Dropout of notes that are read.
        dropout: Dropout of each core's outputs, one mask for all frames of a row.
        precision: ``"bfloat16"`` runs the core's matrix products of training steps in that type.
    """

    def __init__(
        self,
        network: RollNetwork,
        *,
        layers: int,
        hidden_size: int,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.network, self.precision = network, precision
        self._layers, self._hidden_size = layers, hidden_size
        self._input_dropout, self._dropout = input_dropout, dropout

    @property
    def module(self) -> nn.Module:
        return self.network

    def initial_state(self, batch_size: int) -> Any:
        return self.network.initial_state(batch_size)

    def loss(self, batch: RollBatch, state: Any, context: Context) -> tuple[Loss, Any]:
        device = self.network.device
        lengths = torch.from_numpy(batch.lengths).to(device)
        inputs, targets = (
            torch.from_numpy(frames).to(device).float() for frames in (batch.inputs, batch.targets)
        )  # [B, T, N]
        if batch.starts:
            state = self.initial_state(batch.rows)
        random = context.random if context.training else None
        mask, masks = (None, None) if random is None else self._masks(random, batch.rows)
        enabled = context.training and self.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
            read = inputs if mask is None else inputs * mask
            y, state = self.network.read(read, state, lengths=lengths, masks=masks)
            losses = self._of_frames(y, targets, random)  # [B, T]
        real = torch.arange(targets.shape[1], device=device) < lengths[:, None]
        return Loss(losses.masked_fill(~real, 0.0).sum(dim=1), batch.count), state

    def _of_frames(self, y: Tensor, targets: Tensor, random: Randomness | None) -> Tensor:
        B, T, N = targets.shape
        flat, frames, head = y.reshape(B * T, -1), targets.reshape(B * T, N), self.network.head
        nats = head.nats(flat, frames) if random is None else head.training_loss(flat, frames, (B, T), random)
        return nats.reshape(B, T)

    def _masks(self, random: Randomness, B: int) -> tuple[Tensor | None, tuple[Tensor | None, ...] | None]:
        """Return the mask of the frames read, [B, 1, N], and that of each core's outputs, [B, 1, H]."""
        device, p = self.network.device, self._dropout
        mask = None
        if self._input_dropout:
            mask = factors(random.rows("input", B, 1, self.network.notes), self._input_dropout).to(device)
        if not p:
            return mask, None
        sites = (f"output {number}" for number in range(self._layers))
        return mask, tuple(factors(random.rows(site, B, 1, self._hidden_size), p).to(device) for site in sites)
