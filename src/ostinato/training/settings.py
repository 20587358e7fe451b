"""Settings of training, as a trainer takes them: families make them of their recipes' settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainSettings:
    """Settings of training.

    Attributes:
        learning_rate: Peak of the schedule.
        weight_decay: Decoupled weight decay, on matrices only.
        beta2: AdamW's decay of the squared gradient.
        clip: Largest global norm of a gradient.
        average: Decay of the moving average of the weights; 0 keeps none.
        patience: Number of evaluations without a new best after which training stops; ``None`` never stops it.
        seed: Seed of all randomness.
        optimizer: Name of the optimiser in ``ostinato.training.optimizers``.
        momentum: Momentum of ``rmsprop`` and ``sgd``.
    """

    learning_rate: float
    weight_decay: float
    beta2: float
    clip: float
    average: float
    patience: int | None
    seed: int
    optimizer: str = "adamw"
    momentum: float = 0.9
