"""Notes beside given ones: particles that follow the model, weighted by how well they expect what is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.families.rolls.stepping.base import Stepper
from ostinato.music.rolls import Frames

_RESAMPLE = 0.5  # of the particles that count; below, those that count little make way for others


@dataclass(frozen=True)
class Harmony:
    """A roll with given notes, drawn from what the model expects beside them.

    Attributes:
        frames: All notes, the given ones among them, [T, N].
        log_given: Estimate of the natural log-probability of the given notes; its exponential is unbiased.
        effective: Effective number of particles in each frame before resampling, as a share of all, [T].
    """

    frames: Frames
    log_given: float
    effective: NDArray[np.float64]


def harmonise(
    stepper: Stepper,
    given: NDArray[np.int8],
    *,
    particles: int,
    seed: int,
    temperature: float = 1.0,
    tick: Callable[[int, int], None] | None = None,
) -> Harmony:
    """Draw the notes that are free, given those that are not, by sequential Monte Carlo.

    Each particle draws the free notes of a frame from the model, one after the other, and is weighted by the
    probability of the given ones where they come. Where few of them carry nearly all weight, they are drawn anew in
    proportion to it (systematic resampling).

    Args:
        stepper: Writer of a roll for each particle, at its beginning.
        given: 1 sounds, 0 is silent, -1 is free, [T, N].
        particles: Number of particles.
        seed: Seed of all draws.
        temperature: Divides the logits of notes.
        tick: Called with the number of frames written so far, and in all.

    Raises:
        ConfigError: The head's likelihood is an estimate, or the given notes are impossible.

    Source: Doucet, de Freitas and Gordon 2001, "Sequential Monte Carlo methods in practice".
    """
    if not stepper.decides_by_note:
        raise ConfigError(
            "given notes need a model whose likelihood is exact, such as rnn-nade; that of an rnn-rbm is estimated"
        )
    draw = np.random.Generator(np.random.Philox(key=seed))
    T, N = given.shape
    written = np.zeros((T, particles, N), dtype=np.uint8)
    effective, log_given = np.zeros(T), 0.0
    log_weights = np.full(particles, -math.log(particles))
    for number in range(T):
        step = stepper.step(draw.random((particles, N), dtype=np.float32), given[number], temperature)
        written[number] = step.frames
        log_weights = log_weights + step.log_given
        total = _log_sum(log_weights)
        if not math.isfinite(total):
            raise ConfigError(f"frame {number + 1}: the model holds the given notes impossible")
        log_given, log_weights = log_given + total, log_weights - total
        weights = np.exp(log_weights)
        effective[number] = 1 / (weights**2).sum() / particles
        if effective[number] < _RESAMPLE and number + 1 < T:
            kept = _systematic(weights, draw.random())
            stepper.select(kept)
            written[: number + 1] = written[: number + 1, kept]
            log_weights = np.full(particles, -math.log(particles))
        if tick is not None:
            tick(number + 1, T)
    chosen = int(draw.choice(particles, p=np.exp(log_weights) / np.exp(log_weights).sum()))
    return Harmony(written[:, chosen], log_given, effective)


def _log_sum(values: NDArray[np.float64]) -> float:
    top = float(values.max())
    return top + math.log(float(np.exp(values - top).sum())) if math.isfinite(top) else top


def _systematic(weights: NDArray[np.float64], uniform: float) -> NDArray[np.int64]:
    """Return the numbers of the particles that go on: each about as often as its weight says."""
    count = len(weights)
    places = (np.arange(count) + uniform) / count
    return np.minimum(np.searchsorted(np.cumsum(weights), places), count - 1)
