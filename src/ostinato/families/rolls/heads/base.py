"""A head of a model of rolls: a distribution over frames of N notes, given the output of a core."""

from __future__ import annotations

import abc
from typing import ClassVar

import torch
from torch import Tensor, nn

from ostinato.families.rolls.measures import Effort
from ostinato.models.randomness import Randomness

_AT_ONCE = 2**22  # random numbers held at once
_SAMPLES = 20  # of a frame, from which the probabilities of its notes are estimated


class RollHead(nn.Module, abc.ABC):
    """P(frame | y). Frames are [F, N] of 0 and 1 in float32, lowest note first.

    y is what the core says, [F, H], with the frame before beside it, [F, H + N], if the head reads that too.

    Attributes:
        notes: Number of notes N.
        reads_frame_before: Whether the frame before is a part of y.
    """

    reads_frame_before: ClassVar[bool] = False

    def __init__(self, notes: int) -> None:
        super().__init__()
        self.notes = notes

    @property
    def draws(self) -> int:
        """Number of uniform numbers that ``sample`` takes for a frame."""
        return self.notes

    @abc.abstractmethod
    def nats(self, y: Tensor, frames: Tensor) -> Tensor:
        """Return -ln P(frame | y), [F]."""

    def training_loss(self, y: Tensor, frames: Tensor, rows: tuple[int, int], random: Randomness | None) -> Tensor:
        """Return what training minimises, [F]; ``nats`` where that can be differentiated.

        Args:
            y: Vectors, [F, Y], where F = B T.
            frames: The frames.
            rows: B and T.
            random: Source of draws.
        """
        return self.nats(y, frames)

    def measured(self, y: Tensor, frames: Tensor, effort: Effort, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return -ln P(frame | y) with some effort, [F], and the standard error of each, [F]; 0 where it is exact."""
        nats = self.nats(y, frames)
        return nats, torch.zeros_like(nats)

    def conditionals(self, y: Tensor, frames: Tensor, generator: torch.Generator) -> Tensor:
        """Return the probability of each note given those decided on before it, [F, N]; else given the past alone."""
        return self.probabilities(y, generator)

    @abc.abstractmethod
    def sample(self, y: Tensor, uniform: Tensor, temperature: float = 1.0) -> Tensor:
        """Draw a frame for each vector, [F, N] of 0 and 1.

        Args:
            y: Vectors, [F, Y].
            uniform: Uniform numbers, [F, draws].
            temperature: Divides the logits of notes.
        """

    @abc.abstractmethod
    def biases(self, y: Tensor) -> Tensor:
        """Return the logit that the past alone gives each note, before those of its own frame speak, [F, N]."""

    def probabilities(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Return the probability of each note, [F, N]: estimated as its share in drawn frames."""
        shares = []
        for own in torch.split(y, max(1, _AT_ONCE // self.draws)):
            total = torch.zeros(len(own), self.notes, device=y.device)
            for _ in range(_SAMPLES):
                total += self.sample(own, torch.rand(len(own), self.draws, generator=generator).to(y.device))
            shares.append(total / _SAMPLES)
        return torch.cat(shares)


class ExactHead(RollHead, abc.ABC):
    """A head that decides on notes one after the other, so that its likelihood is exact and notes can be given."""

    def sample(self, y: Tensor, uniform: Tensor, temperature: float = 1.0) -> Tensor:
        free = torch.full((self.notes,), -1, device=y.device)
        return self.sample_given(y, uniform, free, temperature)[0]

    @abc.abstractmethod
    def sample_given(
        self, y: Tensor, uniform: Tensor, known: Tensor, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Draw the notes that are not known, one after the other, each given those decided on before it.

        Args:
            y: Vectors, [F, Y].
            uniform: Uniform numbers, the highest note first, [F, N].
            known: 1 sounds, 0 is silent, -1 is to be drawn, [N].
            temperature: Divides the logits of notes.

        Returns:
            The frames, [F, N], and the sum of the log-probabilities of the known notes where they come, [F].
        """
