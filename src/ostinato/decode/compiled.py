"""Writers that use the compiled engine, for the searches and rules that it supports. No PyTorch here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Codec
from ostinato.decode.constraints import SymbolTable
from ostinato.decode.constraints.stopping import stop_table
from ostinato.decode.paths import EndedRow, Ending, Hypothesis, Paths
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.base import Rule
from ostinato.decode.rules.repetition import WINDOW, CountPenalty, RepetitionPenalty
from ostinato.decode.rules.shaping import Temperature
from ostinato.decode.rules.symbols import EndControl, LogitBias
from ostinato.decode.rules.truncation import Epsilon, Eta, MinP, TopK, TopP, Typical
from ostinato.decode.searching import SearchSettings
from ostinato.decode.writing import Writer
from ostinato.engine import program as codes
from ostinato.engine.beam import BeamSearch, BeamSettings, BeamStep, search_on
from ostinato.engine.engine import Engine
from ostinato.engine.pace import Pace
from ostinato.engine.program import Program, Table
from ostinato.engine.sampling import Sampling

_ENDINGS: dict[int, Ending] = {
    codes.END_OF_TEXT: "end",
    codes.COMPLETE: "complete",
    codes.AT_LENGTH: "length",
    codes.STUCK: "stuck",
}
#: Rules, and options of a search, that only the reference search has.
NOT_COMPILED_RULES = ("max_copy", "no_repeat", "dry", "mirostat")
NOT_COMPILED_SEARCHES = ("diverse", "draw", "stochastic", "exact")
_CERTAIN_AFTER = 32  # steps of a beam


def not_compiled(settings: SearchSettings, rules: RuleSettings) -> list[str]:
    """Return the options that compiled code does not support."""
    on = set(rules.on())
    searches = [name for name in NOT_COMPILED_SEARCHES if vars(settings)[name]]
    return searches + [name for name in NOT_COMPILED_RULES if name in on]


def compiled_writer(
    engine: Engine,
    codec: Codec,
    prompts: Sequence[str],
    ids: Sequence[Sequence[int]],
    settings: SearchSettings,
    rules: RuleSettings,
    *,
    length: int,
    seeds: Sequence[int],
    stop: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Writer:
    """Return a writer that uses the compiled engine.

    Args:
        engine: The engine that runs the model.
        codec: Its codec.
        prompts: Texts that the rows continue.
        ids: Ids of each prompt.
        settings: Settings of the search, which must be one that compiles.
        rules: Settings of the rules, which must all compile.
        length: Largest number of new symbols.
        seeds: One seed for each row.
        stop: Strings before which a text ends.
        progress: Called with the number of prompt symbols read so far and in all; for long prompts.

    Raises:
        ConfigError: The constraint cannot be fulfilled, or an option does not fit the model.
    """
    table = rules.table(codec, prompts, length)
    program = _program(rules, codec, length, greedy=settings.greedy)
    if stop:
        moved, matches = stop_table(stop, codec.pieces)
        program.stop_next, program.stop_found = moved.astype(np.int32), matches.astype(np.uint8)
    fill = None
    if table is not None:
        program.table = _table(table, table.starts)

        def fill(states: NDArray[np.int64]) -> Table:
            table.fill(states)
            return _table(table, table.starts)

    if settings.beam is None:
        return _Rows(Sampling(engine, ids, program, seeds, fill=fill, progress=progress), table is not None)
    beam = _beam_settings(settings, rules)
    carried = engine.start(ids, progress)
    starts = [0] * len(ids) if table is None else table.starts.tolist()
    searches = [
        BeamSearch(engine, carried.take([row]), ids[row], program, beam, start=starts[row], fill=fill)
        for row in range(len(ids))
    ]
    return _Beams(engine, searches, table is not None)


class _Rows:
    """Sampling, and greedy search."""

    has_begun = True

    def __init__(self, sampling: Sampling, has_constraint: bool) -> None:
        self._sampling, self._has_constraint = sampling, has_constraint

    def go_on(self, steps: int | None = None) -> list[list[int]] | None:
        return None if self._sampling.is_done else self._sampling.go_on(steps)

    def is_live(self, prompt: int) -> bool:
        return bool(self._sampling.endings[prompt] == codes.LIVE)

    def ended(self, prompt: int) -> list[Hypothesis]:
        if self.is_live(prompt):
            return []
        score = sum(self._sampling.log_probs[prompt])
        kept = float(self._sampling.kept[prompt]) if self._has_constraint else None
        ending = _ENDINGS[int(self._sampling.endings[prompt])]
        return [Hypothesis(tuple(self._sampling.symbols[prompt]), score, score, ending, kept)]

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        if not self.is_live(prompt):
            return []
        return [(tuple(self._sampling.symbols[prompt]), sum(self._sampling.log_probs[prompt]))]


class _Beams:
    """A beam search for each prompt."""

    has_begun = True

    def __init__(self, engine: Engine, searches: Sequence[BeamSearch], has_constraint: bool) -> None:
        self._engine, self._searches, self._has_constraint = engine, searches, has_constraint
        self._paths, self._pace = [Paths(1, 1) for _ in searches], Pace()

    def go_on(self, steps: int | None = None) -> list[list[int]] | None:
        if all(search.is_done for search in self._searches):
            return None
        began, steps = time.monotonic(), steps or self._pace.steps
        told = search_on(self._searches, self._engine, steps)
        self._pace.note(max(map(len, told)), time.monotonic() - began)
        return [self._follow(number, taken) for number, taken in enumerate(told)]

    def is_live(self, prompt: int) -> bool:
        return not self._searches[prompt].is_done

    def ended(self, prompt: int) -> list[Hypothesis]:
        return self._paths[prompt].ended(0)

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        return self._paths[prompt].live(0)

    def _follow(self, number: int, found: Sequence[BeamStep]) -> list[int]:
        """Follow the steps of one search; return the symbols that have become certain."""
        paths, certain = self._paths[number], []
        for count, step in enumerate(found, start=1):
            ended = [
                EndedRow(h.row, h.symbol, h.score, h.rank, _ENDINGS[h.ending], h.kept if self._has_constraint else None)
                for h in step.ended
            ]
            # Scores of steps between are asked for by nobody.
            scores = self._searches[number].scores.tolist() if count == len(found) else [0.0] * len(step.symbols)
            paths.take(step.parents, step.symbols, scores[: len(step.symbols)], ended)
            if count % _CERTAIN_AFTER == 0 or count == len(found):  # what is certain is not copied with every row
                certain += paths.agreed()[0]
        return certain


def _beam_settings(settings: SearchSettings, rules: RuleSettings) -> BeamSettings:
    width = settings.beam or 1
    patience = 0 if settings.patience is None else max(1, round(settings.patience * width))
    power = settings.length_power or 0.0 if settings.gnmt is None else settings.gnmt
    return BeamSettings(
        width,
        settings.n_best or 1,
        patience,
        power,
        gnmt=settings.gnmt is not None,
        may_rise=rules.may_rise(),
    )


def _table(table: SymbolTable, starts: NDArray[np.int64]) -> Table:
    return Table(
        np.ascontiguousarray(table.next),
        table.accepts.astype(np.uint8),
        np.ascontiguousarray(table.fewest),
        table.known.astype(np.uint8),
        starts,
        table.is_whole,
    )


def _program(rules: RuleSettings, codec: Codec, length: int, *, greedy: bool) -> Program:
    """Return the rules as a program of the engine, in the order in which they are applied."""
    program = Program(codec.size, codec.end, length, greedy=greedy)
    plain = rules.plain(codec, length)
    for name in rules.names():
        if name in plain:
            _add(program, plain[name])
        else:
            program.add(codes.CONSTRAINT)
    return program


def _add(program: Program, rule: Rule) -> None:
    match rule:
        case Temperature(points):
            program.add(codes.TEMPERATURE, len(points), [float(number) for point in points for number in point])
        case TopK(k):
            program.add(codes.TOP_K, min(k, program.symbols))
        case TopP(p):
            program.add(codes.TOP_P, numbers=[p])
        case MinP(share):
            program.add(codes.MIN_P, numbers=[float(np.log(share))])
        case Typical(mass):
            program.add(codes.TYPICAL, numbers=[mass])
        case Epsilon(bar):
            program.add(codes.EPSILON, numbers=[float(np.log(bar))])
        case Eta(bar):
            program.add(codes.ETA, numbers=[float(np.log(bar))])
        case RepetitionPenalty(factor, window):
            program.add(codes.REPETITION, numbers=[factor])
            program.window = window or WINDOW
        case CountPenalty(presence, frequency, window):
            program.add(codes.COUNTS, numbers=[presence, frequency])
            program.window = window or WINDOW
        case LogitBias(biases):
            numbers = np.zeros(program.symbols)
            for id_, value in biases:
                numbers[id_] += value
            program.add(codes.BIAS, numbers=numbers.tolist())
        case EndControl(_, least, bias):
            program.add(codes.END, -1 if least is None else least, [bias])
        case _:
            raise AssertionError(f"{rule.name} does not compile")
