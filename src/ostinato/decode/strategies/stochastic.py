"""Stochastic beam search: samples of whole sequences without replacement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from ostinato.decode.noise import gumbel
from ostinato.decode.search import Choice, Ended, Place, end_rows, join_ended, without_stuck
from ostinato.decode.strategies.cells import best_of_cells, within


class StochasticState(NamedTuple):
    """State of a stochastic beam search."""

    phi: Tensor  # [R] float64, log-probability of the beginning under what the rules leave
    perturbed: Tensor  # [R] float64, the largest perturbed log-probability among all that begins so
    ended: Tensor  # [C, k + 1] float64, perturbed log-probabilities of ended hypotheses still in the running


@dataclass(frozen=True)
class StochasticBeam:
    """Draw ``samples`` different sequences of each prompt, without replacement.

    Every sequence y has a Gumbel-perturbed log-probability G(y) = log p(y) + Gumbel; the k largest are a sample
    without replacement. The tree is searched from the top: the maximum of a beginning's G is shared out
    among its continuations, so only k + 1 beginnings need to be kept; the (k+1)-th largest is the threshold
    that ``importance_weights`` needs. Ended hypotheses stay in the running. p is the model's distribution after the
    rules, normalised at each step; without rules it is the model itself.

    Attributes:
        samples: Number of sequences k.
        seeds: One seed for each prompt.

    Source: Kool, van Hoof and Welling 2019, arXiv:1903.06059. The root's G is drawn, not set to 0, so that the
    estimator is unbiased without conditions.
    """

    samples: int
    seeds: tuple[int, ...]
    cells: ClassVar[int] = 1

    def initial_state(self, cells: int) -> StochasticState:
        phi = torch.zeros(cells, dtype=torch.float64)
        root = gumbel(self.seeds, -1, torch.zeros(cells, dtype=torch.int64).numpy(), 1)
        return StochasticState(phi, torch.from_numpy(root)[:, 0], phi.new_full((cells, self.samples + 1), -torch.inf))

    def choose(self, place: Place, state: StochasticState) -> Choice:
        phi = state.phi[:, None] + place.ruled.log_softmax(dim=-1).nan_to_num(nan=-torch.inf, neginf=-torch.inf)
        seeds = [self.seeds[cell] for cell in place.cells.tolist()]
        noise = torch.from_numpy(gumbel(seeds, place.at.step, within(place.cells).numpy(), phi.shape[1]))
        children = _share_out(phi + noise, state.perturbed)
        over = end_rows(place, state.perturbed)
        waiting = _with(state.ended, place.cells, without_stuck(place, over))
        candidates = best_of_cells(children, phi, place.cells, self.samples + 1)
        # Continuations and ended hypotheses compete for k + 1 places.
        both = torch.cat([candidates.keys, waiting[candidates.cells]], dim=1)
        bar = both.topk(min(self.samples + 1, both.shape[1]), dim=1).values[:, -1:]
        chosen = (candidates.keys > -torch.inf) & (candidates.keys >= bar)
        at_end = torch.zeros_like(chosen) if place.end is None else chosen & (candidates.symbols == place.end)
        rows, symbols = candidates.rows[at_end], candidates.symbols[at_end]
        new = Ended(rows, symbols, place.scores[rows] + place.log_probs[rows, symbols], children[rows, symbols])
        waiting = _with(waiting, place.cells, new)
        going = chosen & ~at_end
        rows, symbols = candidates.rows[going], candidates.symbols[going]
        after = StochasticState(phi[rows, symbols], children[rows, symbols], waiting)
        scores = place.scores[rows] + place.log_probs[rows, symbols]
        return Choice(rows, symbols, scores, join_ended(over, new if len(new.parents) else None), after)


def importance_weights(log_probs: Sequence[float], perturbed: Sequence[float]) -> list[float]:
    """Return the weight of each sample in an unbiased estimate of an expectation: E f(y) is about the sum of w f(y).

        w(y) = p(y) / P(G(y) > kappa) = p(y) / (1 - exp(-exp(log p(y) - kappa)))

    kappa being the (k+1)-th largest perturbed log-probability. Where there are no more than k sequences, all
    of them are there and w = p.

    Args:
        log_probs: Log-probability of each of the k samples under the distribution that was drawn from.
        perturbed: The k + 1 largest perturbed log-probabilities, largest first; fewer where there are no more.

    Source: Kool et al. 2019, eq. 16; Duffield, Lund and Thorup 2007 (priority sampling).
    """
    if len(perturbed) <= len(log_probs):
        return [math.exp(log_prob) for log_prob in log_probs]
    kappa = perturbed[len(log_probs)]
    return [math.exp(log_prob - _log_exceeds(log_prob - kappa)) for log_prob in log_probs]


def _log_exceeds(distance: float) -> float:
    """Return log(1 - exp(-exp(d))), also where exp(d) underflows or overflows."""
    if distance < _TINY:
        return distance
    return math.log(-math.expm1(-math.exp(min(distance, _HUGE))))


_TINY, _HUGE = -30.0, 30.0


def _share_out(perturbed: Tensor, maximum: Tensor) -> Tensor:
    """Shift perturbed values [R, V] so that the largest of each row is the given maximum [R].

    In the numerically stable form of the source's appendix B.3.
    """
    largest = perturbed.amax(dim=-1, keepdim=True)
    distance = perturbed - largest
    v = maximum[:, None] - perturbed + torch.log(-torch.expm1(distance))  # the largest: log 0 = -inf, as it should
    shared = maximum[:, None] - v.clamp(min=0) - torch.log1p(torch.exp(-v.abs()))
    return torch.where(perturbed == -torch.inf, -torch.inf, shared)


def _with(waiting: Tensor, cells: Tensor, ended: Ended | None) -> Tensor:
    """Return the largest perturbed log-probabilities of ended hypotheses, with the new ones."""
    if ended is None or not len(ended.parents):
        return waiting
    new = waiting.new_full((len(waiting), len(ended.parents)), -torch.inf)
    new[cells[ended.parents], torch.arange(len(ended.parents))] = ended.ranks
    return torch.cat([waiting, new], dim=1).topk(waiting.shape[1], dim=1).values
