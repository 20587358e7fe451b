"""Beam search for one prompt: the plain beam of ``ostinato.decode.strategies.beam``, compiled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ostinato.engine import beamfacts as facts
from ostinato.engine import layout
from ostinato.engine import program as codes
from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.clamping import holds_any
from ostinato.engine.compiled.network import State, advance, load_rows, meet
from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.rules import apply_rules, follow, is_over, largest, log_softmax, row_of
from ostinato.engine.compiled.sampling import remember
from ostinato.engine.compiled.target import array_of
from ostinato.engine.compiled.unpacking import network_of, rules_of, scratch_of, state_of, team_of

_FIRST_STEP, _STEPS = SCALAR_PLACES["first_step"], SCALAR_PLACES["steps"]


class Beam(NamedTuple):
    """Arrays of a beam search and its rows; see ``ostinato.engine.block``."""

    facts: Any
    power: Any
    scores: Any
    totals: Any
    taken_off: Any
    kept: Any
    kept_now: Any
    over: Any
    states: Any
    stop_states: Any
    best: Any
    keys: Any
    candidates: Any
    work: Any
    order: Any
    ring: Any
    counts: Any


class Results(NamedTuple):
    """Arrays that a call fills with its results."""

    parents: Any
    symbols: Any
    going: Any
    ended: Any
    ended_numbers: Any


class Scratch(NamedTuple):
    """Scratch arrays for reordering rows."""

    numbers: Any
    states: Any
    ring: Any
    counts: Any


class Search(NamedTuple):
    """All that one step of a search reads and writes."""

    rules: Any
    beam: Any
    found: Any
    room: Any
    logits: Any
    last: Any


class At(NamedTuple):
    """Number of a step in the search, and in this call; V, and V padded to whole panels."""

    step: int
    column: int
    symbols: int
    outputs: int


class Ended(NamedTuple):
    """A hypothesis that ends; see ``ostinato.engine.beam``."""

    row: int
    symbol: int
    ending: int
    score: float
    rank: float
    kept: float


@compiled
def search_beam(target: Any, block: Any) -> None:
    """Run up to ``steps`` steps; stop early if no row goes on, or if one is in a state that is not filled yet."""
    network, scratch = network_of(target, block), scratch_of(target, block)
    state, other = state_of(target, block), _other_state_of(target, block)
    team, rules, beam = team_of(target, block), rules_of(target, block), _beam_of(target, block)
    live, last = array_of(target, block, "live"), array_of(target, block, "last")
    results = _results_of(target, block)
    search = Search(rules, beam, results, _scratch_of(target, block), state.logits, last)
    if beam.facts[facts.IS_OTHER]:
        state, other = other, state
    symbols, outputs = network.plan[layout.SYMBOLS], network.plan[layout.OUTPUT]
    first_step, steps = block[_FIRST_STEP], block[_STEPS]
    for step in range(first_step, first_step + steps):
        if team.member == 0:
            _choose(search, At(step, step - first_step, symbols, outputs))
        meet(team)
        rows = beam.facts[facts.ROWS]
        if beam.facts[facts.STEPS_DONE] <= step - first_step or rows == 0:
            return
        at = (step - first_step) * beam.facts[facts.WIDTH]
        parents = results.parents[at : at + rows]
        _move(network, state, other, parents, team)
        state, other = other, state
        meet(team)
        if team.member == 0:
            beam.facts[facts.IS_OTHER] = 1 - beam.facts[facts.IS_OTHER]
            for row in range(rows * holds_any(network.held)):  # one that was not there before has read as much
                network.held.clock[row] = network.held.clock[0]
        load_rows(network, state, scratch, team, live[:rows])
        if step + 1 < rules.facts[codes.LENGTH]:
            advance(target, network, state, scratch, team, live[:rows], last, True)
        else:
            meet(team)


@inlined
def _other_state_of(target: Any, block: Any) -> Any:
    return State(
        array_of(target, block, "other_hidden"),
        array_of(target, block, "other_cell"),
        array_of(target, block, "logits"),
    )


@inlined
def _beam_of(target: Any, block: Any) -> Any:
    return Beam(
        array_of(target, block, "beam"),
        array_of(target, block, "power"),
        array_of(target, block, "scores"),
        array_of(target, block, "totals_of_rows"),
        array_of(target, block, "taken_off"),
        array_of(target, block, "kept"),
        array_of(target, block, "kept_now"),
        array_of(target, block, "over"),
        array_of(target, block, "states"),
        array_of(target, block, "stop_states"),
        array_of(target, block, "best"),
        array_of(target, block, "keys"),
        array_of(target, block, "candidates"),
        array_of(target, block, "work"),
        array_of(target, block, "order"),
        array_of(target, block, "ring"),
        array_of(target, block, "counts"),
    )


@inlined
def _results_of(target: Any, block: Any) -> Any:
    return Results(
        array_of(target, block, "parents"),
        array_of(target, block, "symbols"),
        array_of(target, block, "going"),
        array_of(target, block, "ended"),
        array_of(target, block, "ended_numbers"),
    )


@inlined
def _scratch_of(target: Any, block: Any) -> Any:
    return Scratch(
        array_of(target, block, "row_numbers"),
        array_of(target, block, "row_states"),
        array_of(target, block, "other_ring"),
        array_of(target, block, "other_counts"),
    )


@compiled
def _choose(search: Any, at: Any) -> None:
    """Choose which rows go on, with which symbols, and which hypotheses end."""
    rules, beam, results = search.rules, search.beam, search.found
    if rules.facts[codes.IS_WHOLE] == 0:
        for row in range(beam.facts[facts.ROWS]):
            if rules.known[beam.states[row]] == 0:
                return
    beam.facts[facts.STEPS_DONE] = at.column + 1
    count = _find_candidates(search, at)
    for row in range(beam.facts[facts.ROWS]):
        if beam.over[row] != codes.LIVE:
            rank = beam.totals[row] / _divisor(beam, at.step)
            _end(search, at.column, Ended(row, -1, beam.over[row], beam.scores[row], rank, beam.kept[row]))
    going, worth, keep = 0, -math.inf, beam.facts[facts.WIDTH]
    for place in range(count):
        row, symbol = beam.candidates[place] // at.symbols, beam.candidates[place] % at.symbols
        if symbol == rules.facts[codes.END_SYMBOL]:
            if place < keep:
                rank = beam.keys[place] / _divisor(beam, at.step + 1)
                kept = beam.kept[row] + beam.kept_now[row]
                score = _score(search, at, row, symbol)
                _end(search, at.column, Ended(row, symbol, codes.END_OF_TEXT, score, rank, kept))
        elif going < keep:
            worth = max(worth, beam.keys[place])
            beam.keys[going], beam.candidates[going] = beam.keys[place], beam.candidates[place]
            going += 1
    if _is_done(beam, worth, at.step + 1, rules.facts[codes.LENGTH]):
        going = 0
    results.going[at.column] = going
    _go_on(search, at, going)


@inlined
def _score(search: Any, at: Any, row: int, symbol: int) -> float:
    """Return a row's score with one more symbol: the sum of the model's own log-probabilities, without the rules."""
    logit = float(search.logits[row * at.outputs + symbol])
    return search.beam.scores[row] + logit - search.beam.taken_off[row]


@compiled
def _find_candidates(search: Any, at: Any) -> int:
    """Find the best continuations of all rows, best first, at most twice as many as are kept; return their number."""
    rules, beam, symbols = search.rules, search.beam, at.symbols
    most, count = 2 * beam.facts[facts.WIDTH], 0
    for number in range(beam.facts[facts.ROWS]):
        beam.over[number] = codes.LIVE
        if is_over(rules, beam.states[number], beam.stop_states[number], symbols, at.step):
            beam.over[number] = codes.COMPLETE
        elif at.step == rules.facts[codes.LENGTH]:
            beam.over[number] = codes.AT_LENGTH
        if beam.over[number] != codes.LIVE:
            continue
        row = row_of(rules, (beam.work, beam.order), beam.counts, beam.states, symbols, number, at.step)
        given = search.logits[number * at.outputs : number * at.outputs + symbols]
        beam.taken_off[number] = log_softmax(given, row.logits, row.weights)
        beam.kept_now[number] = apply_rules(rules, row)
        if largest(row.logits) == -math.inf:
            beam.over[number] = codes.STUCK
            continue
        count = _offer(beam, row.logits, beam.totals[number], number * symbols, count, most)
    _sort(beam.keys, beam.candidates, count)
    return count


@compiled
def _offer(beam: Any, logits: Any, total: float, first: int, count: int, most: int) -> int:
    """Merge a row's continuations into the best, a heap with the worst of them on top; return its size."""
    keys, candidates = beam.keys, beam.candidates
    for v in range(len(logits)):
        key = total + logits[v]
        if key == -math.inf:
            continue
        if count < most:
            keys[count], candidates[count] = key, first + v
            count += 1
            if count == most:
                for place in range(most // 2 - 1, -1, -1):
                    _sink_worst(keys, candidates, place, most)
        elif key > keys[0]:
            keys[0], candidates[0] = key, first + v
            _sink_worst(keys, candidates, 0, most)
    return count


@compiled
def _is_worse(keys: Any, candidates: Any, a: int, b: int) -> bool:
    return keys[a] < keys[b] or (keys[a] == keys[b] and candidates[a] > candidates[b])


@compiled
def _sink_worst(keys: Any, candidates: Any, place: int, size: int) -> None:
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _is_worse(keys, candidates, child + 1, child):
            child += 1
        if not _is_worse(keys, candidates, child, place):
            return
        keys[place], keys[child] = keys[child], keys[place]
        candidates[place], candidates[child] = candidates[child], candidates[place]
        place = child


@compiled
def _sort(keys: Any, candidates: Any, count: int) -> None:
    """Sort candidates, best first, by heapsort: the worst goes to the end, again and again."""
    for place in range(count // 2 - 1, -1, -1):
        _sink_worst(keys, candidates, place, count)
    for size in range(count - 1, 0, -1):
        keys[0], keys[size] = keys[size], keys[0]
        candidates[0], candidates[size] = candidates[size], candidates[0]
        _sink_worst(keys, candidates, 0, size)


@compiled
def _divisor(beam: Any, count: int) -> float:
    """Return the divisor that normalises the total of ``count`` symbols by length."""
    power = beam.power[0]
    if power == 0:
        return 1.0
    return ((5 + count) / 6) ** power if beam.facts[facts.GNMT] else float(max(1, count)) ** power


@compiled
def _end(search: Any, column: int, ended: Any) -> None:
    """Note a hypothesis that ends."""
    beam, results = search.beam, search.found
    number = beam.facts[facts.ENDED]
    beam.facts[facts.ENDED] = number + 1
    results.ended[4 * number], results.ended[4 * number + 1] = column, ended.row
    results.ended[4 * number + 2], results.ended[4 * number + 3] = ended.symbol, ended.ending
    results.ended_numbers[3 * number], results.ended_numbers[3 * number + 1] = ended.score, ended.rank
    results.ended_numbers[3 * number + 2] = ended.kept
    if ended.ending == codes.STUCK:
        return
    beam.facts[facts.COUNT] += 1
    rank = ended.rank
    for place in range(beam.facts[facts.N_BEST]):
        if rank > beam.best[place]:
            beam.best[place], rank = rank, beam.best[place]


@compiled
def _is_done(beam: Any, worth: float, count: int, length: int) -> bool:
    """Return whether the search can stop: patience is used up, or nothing better can come."""
    ended = beam.facts[facts.COUNT]
    if beam.facts[facts.PATIENCE] > 0:
        return ended >= beam.facts[facts.PATIENCE]
    if beam.facts[facts.MAY_RISE] or ended == 0:
        return False
    bound = worth / _divisor(beam, length if worth < 0 else max(1, count))
    return beam.best[beam.facts[facts.N_BEST] - 1] >= bound


@compiled
def _go_on(search: Any, at: Any, going: int) -> None:
    """Give the rows that go on their parents' data and their new symbols."""
    rules, beam, room, results = search.rules, search.beam, search.room, search.found
    width, window, symbols = beam.facts[facts.WIDTH], rules.facts[codes.WINDOW], at.symbols
    for row in range(going):
        parent, symbol = beam.candidates[row] // symbols, beam.candidates[row] % symbols
        room.numbers[row] = _score(search, at, parent, symbol)
        room.numbers[width + row] = beam.kept[parent] + beam.kept_now[parent]
        room.states[row], room.states[width + row] = beam.states[parent], beam.stop_states[parent]
        _copy(beam.ring[parent * window : (parent + 1) * window], room.ring[row * window : (row + 1) * window])
        if window:
            _copy(beam.counts[parent * symbols : (parent + 1) * symbols], room.counts[row * symbols :])
        results.parents[at.column * width + row], results.symbols[at.column * width + row] = parent, symbol
        search.last[row] = symbol
    _copy(room.ring[: going * window], beam.ring)
    if window:
        _copy(room.counts[: going * symbols], beam.counts)
    for row in range(going):
        beam.scores[row], beam.kept[row] = room.numbers[row], room.numbers[width + row]
        beam.totals[row] = beam.keys[row]
        beam.states[row], beam.stop_states[row] = room.states[row], room.states[width + row]
        follow(rules, beam.states, beam.stop_states, row, search.last[row], symbols)
        remember(rules, beam.ring, beam.counts, row, symbols, at.step, search.last[row])
    beam.facts[facts.ROWS] = going


@compiled
def _move(network: Any, state: Any, other: Any, parents: Any, team: Any) -> None:
    """Copy the parents' states to the rows that go on; members share out the rows."""
    layers, width = network.plan[layout.LAYERS], network.plan[layout.WIDTH]
    size = len(state.hidden) // layers
    for layer in range(layers):
        for row in range(team.member, len(parents), team.size):
            to, at = layer * size + row * width, layer * size + parents[row] * width
            _copy(state.hidden[at : at + width], other.hidden[to : to + width])
            if len(state.cell) > 0:
                _copy(state.cell[at : at + width], other.cell[to : to + width])


@compiled
def _copy(numbers: Any, into: Any) -> None:
    for j in range(len(numbers)):
        into[j] = numbers[j]
