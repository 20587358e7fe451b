"""Greedy search and sampling: every row is a cell of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ostinato.decode.noise import Uniform
from ostinato.decode.search import Choice, Ended, Place, end_rows, join_ended
from ostinato.models.heads.softmax import draw


@dataclass(frozen=True)
class Greedy:
    """Take the most probable allowed symbol; of equally probable ones the lowest id."""

    cells: ClassVar[int] = 1

    def initial_state(self, cells: int) -> tuple[()]:
        return ()

    def choose(self, place: Place, state: tuple[()]) -> Choice:
        return _go_on(place, place.ruled.argmax(dim=-1))


@dataclass(frozen=True)
class Sampling:
    """Draw each symbol from the distribution that the rules leave.

    Attributes:
        seeds: One seed for each prompt; a row's text depends on its seed alone.
    """

    seeds: tuple[int, ...]
    cells: ClassVar[int] = 1

    def initial_state(self, cells: int) -> Uniform:
        return Uniform(self.seeds)

    def choose(self, place: Place, state: Uniform) -> Choice:
        noise = torch.from_numpy(state.at(place.at.step))
        if len(place.cells) < len(self.seeds):
            noise = noise[place.cells]
        return _go_on(place, draw(place.ruled, noise), state)


def _go_on(place: Place, symbols: Tensor, state: Uniform | tuple[()] = ()) -> Choice:
    """Let every row take its symbol; those that are over, or whose symbol is the end, leave."""
    scores = place.scores + place.log_probs.gather(1, symbols.clamp(max=place.log_probs.shape[1] - 1)[:, None])[:, 0]
    leaving = None if place.over is None else place.over != 0
    if place.end is not None:
        at_end = symbols == place.end
        leaving = at_end if leaving is None else leaving | at_end
    if leaving is None or not leaving.any():
        return Choice(None, symbols, scores, state=state)
    over = end_rows(place, place.scores)
    ended = None
    if place.end is not None:
        (rows,) = (at_end if place.over is None else at_end & (place.over == 0)).nonzero(as_tuple=True)
        ended = Ended(rows, symbols[rows], scores[rows], scores[rows])
    (parents,) = (~leaving).nonzero(as_tuple=True)
    return Choice(parents, symbols[parents], scores[parents], join_ended(over, ended), state)
