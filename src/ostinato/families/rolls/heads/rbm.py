"""A restricted Boltzmann machine whose biases follow the core, trained by contrastive divergence."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.families.rolls.heads.base import RollHead
from ostinato.families.rolls.heads.partition import Partition, estimated_log_z, exact_log_z
from ostinato.families.rolls.measures import Effort
from ostinato.models.randomness import Randomness

_ANNEALED, _STEPS = 150, 170  # steps of sampling in which the hidden units come in, and all
_SPREAD = 0.01  # deviation of the first weights
_SEED = 0x5242  # of the estimates during training: the same for every evaluation


class RbmHead(RollHead):
    """P(v | y) = exp(-F(v)) / Z(y).

        F(v) = -b_v(y) v - sum_j softplus((v W + b_h(y))_j)

    Training follows the gradient of F(v) - F(v'), where v' comes from k steps of Gibbs sampling that start at v. ln Z
    differs in every frame, as the biases do; it is estimated by annealed importance sampling.

    Args:
        size: Width H of y.
        notes: Number of notes N.
        hidden: Number of hidden units K.
        gibbs: Steps k of Gibbs sampling in training. New frames take more, from independent notes on, while what
            binds them together comes in gradually: plain steps would stay near where they began.
        chains: Chains of the estimate of ln Z, as in evaluations during training.
        temperatures: Its steps.

    Source: Boulanger-Lewandowski, Bengio and Vincent 2012, arXiv:1206.6392 (the RNN-RBM).
    """

    def __init__(
        self, size: int, notes: int, *, hidden: int, gibbs: int, chains: int = 2, temperatures: int = 500
    ) -> None:
        super().__init__(notes)
        self.hidden, self.gibbs = hidden, gibbs
        self.chains, self.temperatures = chains, temperatures
        self.weights = nn.Parameter(_SPREAD * torch.randn(notes, hidden))
        self.hidden_bias, self.note_bias = nn.Linear(size, hidden), nn.Linear(size, notes)

    @property
    def draws(self) -> int:
        return self.notes + _STEPS * (self.notes + self.hidden)

    def free_energy(self, y: Tensor, frames: Tensor) -> Tensor:
        """Return F(v), [F]."""
        inputs = frames @ self.weights + self.hidden_bias(y)
        energy: Tensor = -(frames * self.note_bias(y)).sum(dim=-1) - F.softplus(inputs).sum(dim=-1)
        return energy

    def log_z(
        self, y: Tensor, generator: torch.Generator, *, chains: int, temperatures: int, exact: bool = False
    ) -> Partition:
        """Return ln Z of each frame, by enumeration if ``exact``, else estimated."""
        weights, visible, hidden = self.weights, self.note_bias(y), self.hidden_bias(y)
        if exact:
            return exact_log_z(weights, visible, hidden)
        return estimated_log_z(weights, visible, hidden, chains=chains, temperatures=temperatures, generator=generator)

    def biases(self, y: Tensor) -> Tensor:
        bias: Tensor = self.note_bias(y)
        return bias

    def nats(self, y: Tensor, frames: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(_SEED)
        return (
            self.free_energy(y, frames)
            + self.log_z(y, generator, chains=self.chains, temperatures=self.temperatures).log_z
        )

    def measured(self, y: Tensor, frames: Tensor, effort: Effort, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        partition = self.log_z(y, generator, chains=effort.chains, temperatures=effort.temperatures, exact=effort.exact)
        return self.free_energy(y, frames) + partition.log_z, partition.standard_error

    def training_loss(self, y: Tensor, frames: Tensor, rows: tuple[int, int], random: Randomness | None) -> Tensor:
        """Return what has the gradient of contrastive divergence, and the value of a pseudo-likelihood, [F]."""
        assert random is not None
        B, T = rows
        width = self.notes + self.hidden
        uniform = random.rows("gibbs", B, T, self.gibbs, width).to(y.device).reshape(B * T, self.gibbs, width)
        with torch.no_grad():
            after = self._gibbs(frames, self.note_bias(y), self.hidden_bias(y), uniform)
            flipped = random.rows("flipped", B, T).to(y.device).reshape(-1)
            shown = self._pseudo_likelihood(y, frames, (flipped * self.notes).long())
        energy = self.free_energy(y, frames) - self.free_energy(y, after)
        return energy - energy.detach() + shown

    def _pseudo_likelihood(self, y: Tensor, frames: Tensor, note: Tensor) -> Tensor:
        """Return N times -ln P(a note | all others), for one note of each frame, [F]: what a frame costs, roughly."""
        row = torch.arange(len(frames), device=frames.device)
        other = frames.clone()
        other[row, note] = 1 - other[row, note]
        return self.notes * F.softplus(self.free_energy(y, frames) - self.free_energy(y, other))

    def _gibbs(self, v: Tensor, b_v: Tensor, b_h: Tensor, uniform: Tensor) -> Tensor:
        """Return the notes after steps of Gibbs sampling, for which there are uniform numbers [F, k, N + K]."""
        for step in range(uniform.shape[1]):
            h = (uniform[:, step, : self.hidden] < torch.sigmoid(v @ self.weights + b_h)).to(v)
            v = (uniform[:, step, self.hidden :] < torch.sigmoid(h @ self.weights.T + b_v)).to(v)
        return v

    def sample(self, y: Tensor, uniform: Tensor, temperature: float = 1.0) -> Tensor:
        b_v, b_h = self.note_bias(y), self.hidden_bias(y)
        v = (uniform[:, : self.notes] < torch.sigmoid(b_v / temperature)).float()
        steps = uniform[:, self.notes :].reshape(len(y), _STEPS, self.notes + self.hidden)
        for step in range(_STEPS):
            beta = min(1.0, (step + 1) / _ANNEALED)
            h = (steps[:, step, : self.hidden] < torch.sigmoid(beta * (v @ self.weights + b_h) / temperature)).to(v)
            sums = b_v + beta * (h @ self.weights.T)
            v = (steps[:, step, self.hidden :] < torch.sigmoid(sums / temperature)).to(v)
        return v
