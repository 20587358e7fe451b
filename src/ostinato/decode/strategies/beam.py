"""Beam search: plain, drawn from, and in groups that avoid each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ostinato.decode.noise import gumbel
from ostinato.decode.search import Choice, Ended, Place, end_rows, join_ended, without_stuck
from ostinato.decode.strategies.cells import Candidates, best_of_cells, within
from ostinato.decode.strategies.lengths import Lengths


class BeamState(NamedTuple):
    """State of a beam search.

    A row's total is the sum of its log-probabilities after the rules: its score, where rules only forbid.
    The best ended hypotheses are kept, to know when to stop.
    """

    totals: Tensor  # [R] float64
    best: Tensor  # [C, n-best] float64, normalised totals of the best ended hypotheses, best first
    ended: Tensor  # [C] int64, how many have ended


@dataclass(frozen=True)
class Beam:
    """Keep the ``width`` best beginnings of each prompt; exact when there are no more beginnings than that.

    An end symbol among the ``width`` best continuations ends a hypothesis, and the best others go on. The
    search for a prompt stops as soon as no beginning can become better than the ``best`` hypotheses that
    have ended, so stopping changes nothing; or, with ``patience``, when enough have ended.

    Attributes:
        width: Beginnings kept (K).
        lengths: Length normalisation of ended hypotheses.
        best: Number of hypotheses asked for.
        patience: Stop when ``round(patience * width)`` hypotheses have ended; ``None`` stops only when that is exact.
        seeds: Seed of each prompt: continuations are drawn without replacement, in proportion to their probability,
            instead of taken in order; one that ends leaves its place empty, so a width of 1 is sampling.
        groups: Number of groups, of width / groups beginnings each; more than 1 is diverse beam search.
        strength: Penalty of a symbol in a group, in nats, for each beginning of an earlier group that takes it
            at the same time step (Hamming diversity). It changes the choice, not the totals.
        may_rise: Whether a rule can add to a log-probability, as a positive bias does; then nothing bounds what a
            beginning can become, and the search goes on to the length.

    Source: Lowerre 1976; first-come stopping and patience: Kasai et al. 2022, arXiv:2204.05424; groups: Vijayakumar
    et al. 2018, arXiv:1610.02424.
    """

    width: int
    lengths: Lengths = field(default_factory=Lengths)
    best: int = 1
    patience: float | None = None
    seeds: tuple[int, ...] | None = None
    groups: int = 1
    strength: float = 0.0
    may_rise: bool = False

    @property
    def cells(self) -> int:
        return self.groups

    def initial_state(self, cells: int) -> BeamState:
        totals = torch.zeros(cells, dtype=torch.float64)
        return BeamState(totals, totals.new_full((cells, self.best), -torch.inf), totals.long())

    def choose(self, place: Place, state: BeamState) -> Choice:
        totals = state.totals[:, None] + place.ruled
        candidates = self._candidates(place, totals)
        keep = self.width // self.groups
        possible = candidates.keys > -torch.inf
        at_end = torch.zeros_like(possible) if place.end is None else possible & (candidates.symbols == place.end)
        going = possible & ~at_end
        going &= going.cumsum(dim=1) <= keep
        ending = at_end[:, :keep]
        over = end_rows(place, self.lengths.normalised(state.totals, place.at.step))
        ended = join_ended(over, self._ended(place, candidates, ending))
        best, count = self._pool(place, state, without_stuck(place, ended))
        going &= ~self._is_done(place, candidates, going, best, count)[:, None]
        rows, symbols = candidates.rows[going], candidates.symbols[going]
        after = BeamState(candidates.totals[going], best, count)
        return Choice(rows, symbols, place.scores[rows] + place.log_probs[rows, symbols], ended, after)

    def _candidates(self, place: Place, totals: Tensor) -> Candidates:
        """Return twice as many continuations as are kept, so that enough go on whatever ends; if drawn, as many."""
        count = 2 * (self.width // self.groups)
        if self.seeds is not None:
            seeds = [self.seeds[cell // self.groups] for cell in place.cells.tolist()]
            keys = totals + torch.from_numpy(gumbel(seeds, place.at.step, within(place.cells).numpy(), totals.shape[1]))
            return best_of_cells(keys, totals, place.cells, self.width)
        if not (self.groups > 1 and self.strength):
            return best_of_cells(totals, totals, place.cells, count)
        return self._diverse(place, totals, count)

    def _diverse(self, place: Place, totals: Tensor, count: int) -> Candidates:
        """Return candidates chosen group by group: symbols that earlier groups take now cost the later ones."""
        taken = totals.new_zeros(int(place.cells[-1]) // self.groups + 1, totals.shape[1])
        parts: list[Candidates] = []
        for group in range(self.groups):
            (rows,) = (place.cells % self.groups == group).nonzero(as_tuple=True)
            if not len(rows):
                continue
            prompts = place.cells[rows] // self.groups
            worth = totals[rows] - self.strength * taken[prompts]
            candidates = best_of_cells(worth, totals[rows], place.cells[rows], count)
            candidates = candidates._replace(rows=rows[candidates.rows])
            parts.append(candidates)
            first = (candidates.keys > -torch.inf)[:, : self.width // self.groups]
            line = (candidates.cells // self.groups)[:, None].expand(first.shape)
            symbols = candidates.symbols[:, : first.shape[1]]
            taken.index_put_((line[first], symbols[first]), taken.new_ones(()), accumulate=True)
        return _side_by_side(parts)

    def _ended(self, place: Place, found: Candidates, ending: Tensor) -> Ended | None:
        if not ending.any():
            return None
        rows, symbols, totals = (
            part[:, : ending.shape[1]][ending] for part in (found.rows, found.symbols, found.totals)
        )
        scores = place.scores[rows] + place.log_probs[rows, symbols]
        ranks = self.lengths.normalised(totals, place.at.step + 1)
        return Ended(rows, symbols, scores, ranks)

    def _pool(self, place: Place, state: BeamState, ended: Ended | None) -> tuple[Tensor, Tensor]:
        """Return the best normalised totals and the number of each cell's ended hypotheses, the new ones included."""
        if ended is None:
            return state.best, state.ended
        cells = place.cells[ended.parents]
        new = state.best.new_full((len(state.best), len(cells)), -torch.inf)
        new[cells, torch.arange(len(cells))] = ended.ranks
        best = torch.cat([state.best, new], dim=1).topk(self.best, dim=1).values
        return best, state.ended.index_add(0, cells, torch.ones_like(cells))

    def _is_done(self, place: Place, found: Candidates, going: Tensor, best: Tensor, count: Tensor) -> Tensor:
        """Return whether the search of each line's cell can stop, [C]."""
        if self.patience is not None:
            done = count[found.cells] >= max(1, round(self.patience * self.width / self.groups))
        elif self.may_rise or not count.any():
            return torch.zeros(len(found.cells), dtype=torch.bool)
        else:
            worth = found.totals.masked_fill(~going, -torch.inf).amax(dim=1)
            done = best[found.cells, -1] >= self.lengths.bound(worth, place.at.step + 1, place.at.length)
        if self.groups == 1 or not self.strength:
            return done
        # What a group takes costs the later ones, so the groups of a prompt go on together.
        prompts = found.cells // self.groups
        waiting = torch.zeros(int(prompts.max()) + 1, dtype=torch.bool).index_put((prompts[~done],), torch.tensor(True))
        return ~waiting[prompts]


def _side_by_side(parts: list[Candidates]) -> Candidates:
    """Return the candidates of all groups, in the order of their cells."""
    width = max(part.keys.shape[1] for part in parts)

    def filled(name: str, value: float) -> Tensor:
        tensors = [part._asdict()[name] for part in parts]
        return torch.cat([torch.nn.functional.pad(t, (0, width - t.shape[1]), value=value) for t in tensors])

    cells = torch.cat([part.cells for part in parts])
    order = cells.argsort()
    keys, totals = filled("keys", -torch.inf), filled("totals", -torch.inf)
    rows, symbols = filled("rows", 0), filled("symbols", 0)
    return Candidates(keys[order], totals[order], rows[order], symbols[order], cells[order])
