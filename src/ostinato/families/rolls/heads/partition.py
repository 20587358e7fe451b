"""Partition functions of restricted Boltzmann machines: by enumeration, or by annealed importance sampling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ostinato.errors import ConfigError

#: The most units of the smaller layer that are enumerated.
MOST_UNITS = 20
_AT_ONCE = 2**22  # numbers held at once


class Partition(NamedTuple):
    """Log partition functions.

    Attributes:
        log_z: One for each frame, [F].
        standard_error: Standard error of each, [F]; zeros where they are exact.
    """

    log_z: Tensor
    standard_error: Tensor


def _slices(step: int, visible: Tensor, hidden: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the biases of ``step`` frames at a time."""
    for first in range(0, len(visible), step):
        yield visible[first : first + step], hidden[first : first + step]


def exact_log_z(weights: Tensor, visible: Tensor, hidden: Tensor) -> Partition:
    """Sum over all states of the hidden units.

        ln Z = ln sum_h exp(b_h h + sum_i softplus(b_v,i + W_i h))

    Args:
        weights: Weights W, [N, K].
        visible: Biases of the notes in each frame, [F, N].
        hidden: Biases of the hidden units in each frame, [F, K].

    Raises:
        ConfigError: There are too many hidden units.
    """
    K = weights.shape[1]
    if K > MOST_UNITS:
        raise ConfigError(
            f"{K} hidden units have 2^{K} states, and up to {MOST_UNITS} units are enumerated; leave --exact out: ln Z "
            "is then estimated, with its standard error"
        )
    states = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * K).reshape(-1, K).to(weights)  # [2^K, K]
    sums = states @ weights.T  # [2^K, N]
    step = max(1, _AT_ONCE // sums.numel())
    log_z = [
        torch.logsumexp(b_h @ states.T + F.softplus(b_v[:, None] + sums).sum(dim=-1), dim=1)
        for b_v, b_h in _slices(step, visible, hidden)
    ]
    joined = torch.cat(log_z)
    return Partition(joined, torch.zeros_like(joined))


def estimated_log_z(
    weights: Tensor, visible: Tensor, hidden: Tensor, *, chains: int, temperatures: int, generator: torch.Generator
) -> Partition:
    """Estimate by annealed importance sampling, from independent notes to the machine itself.

        p_beta(v) ~ exp(b_v v) prod_j (1 + exp(beta (b_h + v W)_j)),   beta from 0 to 1

    Args:
        weights: Weights W, [N, K].
        visible: Biases of the notes in each frame, [F, N].
        hidden: Biases of the hidden units in each frame, [F, K].
        chains: Number of chains of each frame; two at least give a standard error.
        temperatures: Number of steps from 0 to 1.
        generator: Source of draws.

    Source: Neal 2001; Salakhutdinov and Murray 2008, ICML.
    """
    N, K = weights.shape
    step = max(1, _AT_ONCE // (chains * (N + K)))
    parts = [
        _annealed(weights, b_v, b_h, chains, temperatures, generator) for b_v, b_h in _slices(step, visible, hidden)
    ]
    log_weights = torch.cat(parts)  # [F, C]
    first = F.softplus(visible).sum(dim=1) + K * math.log(2)
    mean = torch.logsumexp(log_weights, dim=1) - math.log(chains)
    if chains < 2:
        return Partition(first + mean, torch.full_like(mean, math.nan))
    relative = (log_weights - mean[:, None]).exp()
    return Partition(first + mean, relative.std(dim=1) / math.sqrt(chains))


def _annealed(
    weights: Tensor, visible: Tensor, hidden: Tensor, chains: int, temperatures: int, generator: torch.Generator
) -> Tensor:
    """Return the log importance weight of each chain, [F, C]."""
    F_, (N, K) = len(visible), weights.shape

    def uniform(width: int) -> Tensor:
        return torch.rand(F_, chains, width, generator=generator).to(weights)

    b_v, b_h = visible[:, None], hidden[:, None]
    v = (uniform(N) < torch.sigmoid(b_v)).to(weights)  # [F, C, N]
    logs = weights.new_zeros(F_, chains)
    for number in range(1, temperatures + 1):
        before, beta = (number - 1) / temperatures, number / temperatures
        inputs = b_h + v @ weights
        logs = logs + (F.softplus(beta * inputs) - F.softplus(before * inputs)).sum(dim=-1)
        if number < temperatures:
            h = (uniform(K) < torch.sigmoid(beta * inputs)).to(weights)
            v = (uniform(N) < torch.sigmoid(b_v + beta * (h @ weights.T))).to(weights)
    return logs
