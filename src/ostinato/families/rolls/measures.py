"""Plain data of measuring: the effort, losses of frames, notes that were predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ostinato.families.rolls.batches import Rolls
from ostinato.music.rolls import Frames


@dataclass(frozen=True)
class Effort:
    """The effort that an estimate takes, where there is one.

    Attributes:
        chains: Chains of annealed importance sampling, for each frame.
        temperatures: Its steps.
        exact: Whether to enumerate instead.
        seed: Seed of its draws.
    """

    chains: int = 4
    temperatures: int = 2000
    exact: bool = False
    seed: int = 1


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


def copying(rolls: Rolls) -> Hits:
    """Return the notes predicted by whoever expects each frame to be the one before; silence before the first."""
    hits = Hits()
    for number in range(rolls.numbers.texts):
        frames = rolls.one(number)
        hits.add(np.pad(frames, ((1, 0), (0, 0)))[:-1].astype(bool), frames)
    return hits
