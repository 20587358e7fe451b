"""Measuring a model of rolls: nats of every frame, and the accuracy of its notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.cores.base import to_float32
from ostinato.families.rolls.batches import RollBatch, Rolls
from ostinato.families.rolls.heads.base import Effort
from ostinato.families.rolls.network import RollNetwork
from ostinato.music.rolls import Frames

_LIKELY = 0.5  # probability from which on a note is predicted
_SEED = 1


@dataclass
class Hits:
    """Notes that were predicted and that were there, over frames.

    Attributes:
        both: Number that were both.
        either: Number that were one of the two.
    """

    both: int = 0
    either: int = 0

    def add(self, predicted: NDArray[np.bool_], real: Frames) -> None:
        """Count some frames."""
        sounds = real.astype(bool)
        self.both += int((predicted & sounds).sum())
        self.either += int((predicted | sounds).sum())

    @property
    def accuracy(self) -> float:
        """TP / (TP + FP + FN); 1 where nothing was predicted and nothing was there."""
        return self.both / self.either if self.either else 1.0


@dataclass(frozen=True)
class FrameNats:
    """Losses of frames, roll by roll.

    Attributes:
        nats: -ln P of each frame, an array for each roll.
        variance: Sum of the variances of the estimates of all; 0 where they are exact.
        hits: The notes predicted.
    """

    nats: list[NDArray[np.float64]]
    variance: float
    hits: Hits


def measure_frames(
    network: RollNetwork,
    rolls: Rolls,
    effort: Effort,
    tick: Callable[[int, int], None] | None = None,
) -> FrameNats:
    """Return the loss of every frame, and the notes that are predicted with a probability over a half."""
    generator = torch.Generator().manual_seed(effort.seed)
    order = np.arange(rolls.numbers.texts)
    parts: dict[int, list[NDArray[np.float64]]] = {number: [] for number in order.tolist()}
    hits, variance, done = Hits(), 0.0, 0
    with torch.inference_mode():
        for rows, batch, y in _outputs(network, rolls, order):
            real = np.arange(batch.targets.shape[1]) < batch.lengths[:, None]  # [B, T]
            flat = y[torch.from_numpy(real).to(y.device)]  # [F, H]
            frames = batch.targets[real]
            nats, errors = network.head.measured(flat, torch.from_numpy(frames).to(y.device).float(), effort, generator)
            likely = network.head.probabilities(flat, generator).cpu().numpy() > _LIKELY
            hits.add(likely, frames)
            variance += float((errors.double() ** 2).sum())
            values = np.split(nats.double().cpu().numpy(), np.cumsum(batch.lengths)[:-1])
            for row, own in zip(rows.tolist(), values, strict=True):
                parts[row].append(own)
            done += len(frames)
            if tick is not None:
                tick(done, rolls.silence)
    return FrameNats([np.concatenate(parts[number]) for number in order.tolist()], variance, hits)


def _outputs(
    network: RollNetwork, rolls: Rolls, order: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], RollBatch, Tensor]]:
    """Yield batches with the numbers of their rolls, and the core's outputs [B, T, H]."""
    state = None
    for rows, batch in rolls.numbered_batches(order):
        if batch.starts:
            state = network.initial_state(batch.rows)
        inputs = torch.from_numpy(batch.inputs).to(network.device).float()
        lengths = torch.from_numpy(batch.lengths).to(network.device)
        y, state = network.core(inputs, state, lengths=lengths)
        yield rows, batch, to_float32(y)


def quick_accuracy(network: RollNetwork, rolls: Rolls) -> float:
    """Return the accuracy of the notes in some rolls; the network's mode is left as it was."""
    generator, hits, was_training = torch.Generator().manual_seed(_SEED), Hits(), network.training
    network.eval()
    with torch.inference_mode():
        for _, batch, y in _outputs(network, rolls, np.arange(rolls.numbers.texts)):
            real = np.arange(batch.targets.shape[1]) < batch.lengths[:, None]
            flat = y[torch.from_numpy(real).to(y.device)]
            hits.add(network.head.probabilities(flat, generator).cpu().numpy() > _LIKELY, batch.targets[real])
    network.train(was_training)
    return hits.accuracy


def copying(rolls: Rolls) -> Hits:
    """Return the notes predicted by whoever expects each frame to be the one before; silence before the first."""
    hits = Hits()
    for number in range(rolls.numbers.texts):
        frames = rolls.one(number)
        hits.add(np.pad(frames, ((1, 0), (0, 0)))[:-1].astype(bool), frames)
    return hits


def expectations(network: RollNetwork, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return -ln P of each frame of a roll [T, N], [T], and the probability of each of its notes, [T, N]."""
    generator, rolls = torch.Generator().manual_seed(_SEED), Rolls(frames, np.array([0, len(frames)]))
    nats = measure_frames(network, rolls, Effort()).nats[0]
    parts = []
    with torch.inference_mode():
        for _, batch, y in _outputs(network, rolls, np.arange(1)):
            targets = torch.from_numpy(batch.targets[0]).to(y.device).float()
            parts.append(network.head.conditionals(y[0], targets, generator).cpu().numpy())
    return nats, np.concatenate(parts)
