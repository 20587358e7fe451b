"""Measuring a model of rolls: nats of every frame, and the accuracy of its notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.families.rolls.batches import RollBatch, Rolls
from ostinato.families.rolls.measures import Effort, FrameNats, Hits
from ostinato.families.rolls.network import RollNetwork
from ostinato.music.rolls import Frames

_LIKELY = 0.5  # probability from which on a note is predicted
_SEED = 1


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
            flat = y[torch.from_numpy(real).to(y.device)]  # [F, Y]
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
    """Yield batches with the numbers of their rolls, and what the head is given, [B, T, Y]."""
    state = None
    for rows, batch in rolls.numbered_batches(order):
        if batch.starts:
            state = network.initial_state(batch.rows)
        inputs = torch.from_numpy(batch.inputs).to(network.device).float()
        lengths = torch.from_numpy(batch.lengths).to(network.device)
        y, state = network.read(inputs, state, lengths=lengths)
        yield rows, batch, y


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


def estimated(network: RollNetwork, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return -ln P of each frame of a roll [T, N], [T], and the probability of each of its notes, [T, N]."""
    generator, rolls = torch.Generator().manual_seed(_SEED), Rolls(frames, np.array([0, len(frames)]))
    nats = measure_frames(network, rolls, Effort()).nats[0]
    parts = []
    with torch.inference_mode():
        for _, batch, y in _outputs(network, rolls, np.arange(1)):
            targets = torch.from_numpy(batch.targets[0]).to(y.device).float()
            parts.append(network.head.conditionals(y[0], targets, generator).double().cpu().numpy())
    return nats, np.concatenate(parts)
