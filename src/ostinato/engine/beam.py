"""Beam searches that are carried on some steps at a time, each for one prompt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import beamfacts as facts
from ostinato.engine.engine import Engine
from ostinato.engine.interrupts import interrupted_after
from ostinato.engine.program import Program, Table
from ostinato.engine.sampling import look_back, rule_arrays
from ostinato.engine.state import Carried
from ostinato.engine.threads import Sharing, meeting_place
from ostinato.errors import EngineError


@dataclass(frozen=True)
class BeamSettings:
    """Settings of a beam search; see ``ostinato.decode.strategies.Beam``.

    Attributes:
        width: Beam width K, the number of beginnings kept.
        n_best: Number of hypotheses asked for.
        patience: Number of ended hypotheses at which the search stops; 0 stops when nothing better can come.
        power: Exponent of length normalisation.
        gnmt: Whether lengths are normalised by GNMT's formula.
        may_rise: Whether a rule can add to a log-probability.
    """

    width: int
    n_best: int = 1
    patience: int = 0
    power: float = 0.0
    gnmt: bool = False
    may_rise: bool = False


@dataclass(frozen=True)
class EndedHypothesis:
    """A hypothesis that ended: its row before, last symbol (-1: none), ending, score, rank and log of the kept mass."""

    row: int
    symbol: int
    ending: int
    score: float
    rank: float
    kept: float


@dataclass(frozen=True)
class BeamStep:
    """One step of a search: the hypotheses that ended, and for each row that goes on, its parent and its symbol."""

    ended: list[EndedHypothesis]
    parents: list[int]
    symbols: list[int]


class BeamSearch:
    """The search for one prompt.

    Args:
        engine: The model at work.
        carried: State and logits after the prompt, of one row.
        prompt: Its ids.
        program: Rules that decide which symbols may be chosen.
        settings: Settings of the beam.
        start: State of the constraint before the first symbol.
        fill: Function that fills rows of a constraint's incomplete table, and returns the new table.
    """

    def __init__(
        self,
        engine: Engine,
        carried: Carried,
        prompt: Sequence[int],
        program: Program,
        settings: BeamSettings,
        *,
        start: int = 0,
        fill: Callable[[NDArray[np.int64]], Table] | None = None,
    ) -> None:
        self._engine, self._program, self._fill, self._settings = engine, program, fill, settings
        K, V = settings.width, program.symbols
        self._facts = np.zeros(facts.BEAM_FACTS, dtype=np.int64)
        self._facts[[facts.WIDTH, facts.N_BEST, facts.PATIENCE]] = K, settings.n_best, settings.patience
        self._facts[[facts.MAY_RISE, facts.GNMT, facts.ROWS]] = settings.may_rise, settings.gnmt, 1
        self._step = 0
        every = carried.take([0] * K)
        ring, counts = look_back([prompt] * K, program)
        self.scores = np.zeros(K)
        self._states = np.full(K, start, dtype=np.int64)
        self._arrays: dict[str, NDArray[Any]] = {
            **every.arrays(),
            **rule_arrays(program, program.table or Table.nothing(1)),
            "other_hidden": np.zeros_like(every.hidden),
            "other_cell": np.zeros_like(every.cell),
            "live": np.arange(K, dtype=np.int64),
            "last": np.zeros(K, dtype=np.int64),
            "beam": self._facts,
            "power": np.array([settings.power]),
            "scores": self.scores,
            "totals_of_rows": np.zeros(K),
            "taken_off": np.zeros(K),
            "kept": np.zeros(K),
            "kept_now": np.zeros(K),
            "over": np.zeros(K, dtype=np.int64),
            "states": self._states,
            "best": np.full(settings.n_best, -np.inf),
            "keys": np.zeros(2 * K),
            "candidates": np.zeros(2 * K, dtype=np.int64),
            "ring": ring,
            "counts": counts,
            "row_numbers": np.zeros(2 * K),
            "row_states": np.zeros(2 * K, dtype=np.int64),
            "stop_states": np.zeros(K, dtype=np.int64),
            "other_ring": np.zeros_like(ring),
            "other_counts": np.zeros((K, V if program.window else 0), dtype=np.int64),
        }

    @property
    def is_done(self) -> bool:
        """Whether no row goes on."""
        return bool(self._facts[facts.ROWS] == 0)

    @property
    def rows(self) -> int:
        """Number of rows that go on."""
        return int(self._facts[facts.ROWS])

    def begin(self, steps: int, team: int) -> tuple[list[NDArray[np.int64]], Any]:
        """Prepare some more steps; return the blocks of ``team`` threads, and the arrays that have to stay alive."""
        K = self._settings.width
        steps = min(steps, self._program.length + 1 - self._step)
        self._told: dict[str, NDArray[Any]] = {
            "parents": np.zeros((steps, K), dtype=np.int32),
            "symbols": np.zeros((steps, K), dtype=np.int32),
            "going": np.zeros(steps, dtype=np.int64),
            "ended": np.zeros((2 * K * steps, 4), dtype=np.int64),
            "ended_numbers": np.zeros((2 * K * steps, 3)),
        }
        self._facts[[facts.ENDED, facts.STEPS_DONE]] = 0
        arrays = {**self._arrays, **self._told, "meetings": meeting_place()}
        scalars = {"first_step": self._step, "steps": steps}
        return self._engine.blocks(Sharing(((0, K),), team), arrays, scalars)

    def finish(self) -> list[BeamStep]:
        """Return the results of the prepared steps."""
        done = int(self._facts[facts.STEPS_DONE])
        told = self._told
        steps = []
        for step in range(done):
            count = int(told["going"][step])
            steps.append(BeamStep([], told["parents"][step, :count].tolist(), told["symbols"][step, :count].tolist()))
        count = int(self._facts[facts.ENDED])
        for (step, row, symbol, ending), (score, rank, kept) in zip(
            told["ended"][:count].tolist(), told["ended_numbers"][:count].tolist(), strict=True
        ):
            steps[step].ended.append(EndedHypothesis(row, symbol, ending, score, rank, kept))
        self._step += done
        if np.isnan(self.scores[: self.rows]).any():
            raise EngineError("the model's numbers overflow while it writes: its weights are too large, or damaged")
        return steps

    def fill_table(self) -> None:
        """Fill the states that the rows have reached, in a constraint's table that is filled on demand."""
        table = self._program.table
        if not (self.is_done or table is None or table.is_whole or self._fill is None):
            self._arrays |= rule_arrays(self._program, self._fill(self._states[: self.rows]))


def search_on(searches: Sequence[BeamSearch], engine: Engine, steps: int) -> list[list[BeamStep]]:
    """Continue several searches, as many side by side as there are threads; a single one by a team.

    Returns:
        The steps of each.
    """
    beam_steps: list[list[BeamStep]] = [[] for _ in searches]
    live = [number for number, search in enumerate(searches) if not search.is_done]
    for number in live:  # before any goes on: what a user's automaton raises loses nothing
        searches[number].fill_table()
    while live:
        together, live = live[: engine.threads.count], live[engine.threads.count :]
        sharing = engine.threads.share(engine.model, 1, "search") if len(together) == 1 else Sharing(((0, 1),), 1)
        began = time.monotonic()
        with interrupted_after():
            begun = [searches[number].begin(steps, sharing.team) for number in together]
            engine.threads.run(engine.kernels["search"], [block for blocks, _ in begun for block in blocks])
            for number in together:
                beam_steps[number] = searches[number].finish()
            engine.threads.note(sharing, len(beam_steps[together[0]]), time.monotonic() - began)
    return beam_steps
