"""Writing rows symbol by symbol: rules, the draw, the network, and again."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ostinato.engine import layout
from ostinato.engine import program as codes
from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.network import advance, load_rows, meet
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.rules import apply_rules, follow, is_over, largest, log_softmax, row_of, weigh
from ostinato.engine.compiled.target import array_of
from ostinato.engine.compiled.unpacking import network_of, rules_of, scratch_of, state_of, team_of

_FIRST_ROW, _ROWS = SCALAR_PLACES["first_row"], SCALAR_PLACES["rows"]
_FIRST_STEP, _STEPS, _PART = SCALAR_PLACES["first_step"], SCALAR_PLACES["steps"], SCALAR_PLACES["part"]
_U = np.uint64
_PARITY = _U(0x1BD11BDAA9FC1A22)
_ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
_ALMOST_ONE = 1 - 2.0**-53


class Rows(NamedTuple):
    """Arrays of all rows."""

    live: Any  # this thread's
    alive: Any
    last: Any
    seeds: Any
    endings: Any
    made: Any
    kept: Any
    ring: Any
    counts: Any
    states: Any
    stop_states: Any
    symbols: Any
    log_probs: Any
    work: Any
    order: Any


@compiled
def sample(target: Any, block: Any) -> None:
    """Write up to ``steps`` symbols in each row of ``live`` from ``first_row`` on.

    Members of a team take part in every step of the network; the first of them chooses.
    """
    network, state, scratch = network_of(target, block), state_of(target, block), scratch_of(target, block)
    team, rules, rows = team_of(target, block), rules_of(target, block), _rows_of(target, block)
    part, first_step, steps = block[_PART], block[_FIRST_STEP], block[_STEPS]
    load_rows(network, state, scratch, team, rows.live[: rows.alive[part]])
    for step in range(first_step, first_step + steps):
        before = rows.alive[part]
        meet(team)  # everyone has read how many there were
        if team.member == 0:
            _choose_all(network, state, rules, rows, part, step, step - first_step, steps)
        meet(team)
        alive = rows.alive[part]
        if alive == 0 or step + 1 >= rules.facts[codes.LENGTH]:
            return
        live = rows.live[:alive]
        if alive < before:
            load_rows(network, state, scratch, team, live)
        advance(target, network, state, scratch, team, live, rows.last, True)


@compiled
def _rows_of(target: Any, block: Any) -> Any:
    first = block[_FIRST_ROW]
    return Rows(
        array_of(target, block, "live")[first : first + block[_ROWS]],
        array_of(target, block, "alive"),
        array_of(target, block, "last"),
        array_of(target, block, "seeds"),
        array_of(target, block, "endings"),
        array_of(target, block, "made"),
        array_of(target, block, "kept"),
        array_of(target, block, "ring"),
        array_of(target, block, "counts"),
        array_of(target, block, "states"),
        array_of(target, block, "stop_states"),
        array_of(target, block, "symbols"),
        array_of(target, block, "log_probs"),
        array_of(target, block, "work"),
        array_of(target, block, "order"),
    )


@compiled
def _choose_all(
    network: Any, state: Any, rules: Any, rows: Any, part: int, step: int, column: int, columns: int
) -> None:
    """Choose the next symbol of every live row; those that end leave the list, the others keep their order.

    A row whose constraint has come to a state that is not filled yet stops them all before the step.
    """
    symbols, outputs = network.plan[layout.SYMBOLS], network.plan[layout.OUTPUT]
    if rules.facts[codes.IS_WHOLE] == 0 and _is_unknown(rules, rows, part):
        rows.alive[part] = 0
        return
    left = 0
    for place in range(rows.alive[part]):
        number = rows.live[place]
        logits = state.logits[number * outputs : number * outputs + symbols]
        ending = _choose(rules, rows, logits, number, step, number * columns + column)
        rows.endings[number] = ending
        if ending == codes.LIVE:
            rows.live[left] = number
            left += 1
    rows.alive[part] = left


@compiled
def _is_unknown(rules: Any, rows: Any, part: int) -> bool:
    """Return whether some row's state has to be filled first; mark such rows."""
    unknown = False
    for place in range(rows.alive[part]):
        number = rows.live[place]
        if rules.known[rows.states[number]] == 0:
            rows.endings[number] = codes.UNKNOWN
            unknown = True
    return unknown


@compiled
def _choose(rules: Any, rows: Any, given: Any, number: int, step: int, place: int) -> int:
    """Choose a row's next symbol and note it; return the row's ending, ``LIVE`` if it goes on."""
    symbols = len(given)
    if is_over(rules, rows.states[number], rows.stop_states[number], symbols, step):
        return codes.COMPLETE
    row = row_of(rules, (rows.work, rows.order), rows.counts, rows.states, symbols, number, step)
    taken_off = log_softmax(given, row.logits, row.weights)
    kept = apply_rules(rules, row)
    if largest(row.logits) == -np.inf:
        return codes.STUCK
    chosen = _greatest(row.logits) if rules.facts[codes.GREEDY] else _draw(row, rows.seeds[number], step)
    rows.symbols[place] = chosen
    rows.log_probs[place] = float(given[chosen]) - taken_off
    rows.kept[number] += kept
    rows.made[number] += 1
    rows.last[number] = chosen
    if chosen == rules.facts[codes.END_SYMBOL]:
        return codes.END_OF_TEXT
    remember(rules, rows.ring, rows.counts, number, symbols, step, chosen)
    follow(rules, rows.states, rows.stop_states, number, chosen, symbols)
    if step + 1 == rules.facts[codes.LENGTH]:
        if rules.facts[codes.ENDS_BY_CONSTRAINT] and rules.known[rows.states[number]] == 0:
            return codes.UNKNOWN
        over = is_over(rules, rows.states[number], rows.stop_states[number], symbols, step + 1)
        return codes.COMPLETE if over else codes.AT_LENGTH
    return codes.LIVE


@compiled
def remember(rules: Any, ring: Any, counts: Any, number: int, symbols: int, step: int, chosen: int) -> None:
    """Add a symbol to the window that penalties look at, and drop the oldest."""
    window = rules.facts[codes.WINDOW]
    if window == 0:
        return
    place = number * window + step % window
    if ring[place] >= 0:
        counts[number * symbols + ring[place]] -= 1
    ring[place] = chosen
    counts[number * symbols + chosen] += 1


@compiled
def _greatest(logits: Any) -> int:
    """Return the most probable symbol; of equally probable ones the lowest id."""
    best = 0
    for v in range(len(logits)):
        if logits[v] > logits[best]:
            best = v
    return best


@compiled
def _draw(row: Any, seed: Any, step: int) -> int:
    """Invert the distribution function in id order: the first id whose cumulated weight exceeds the noise."""
    total = weigh(row.logits, row.weights)
    bar = min(uniform(seed, step) * total, total * _ALMOST_ONE)
    reached, last = 0.0, 0
    for v in range(len(row.weights)):
        reached += row.weights[v]
        if reached > bar:
            return v
        if row.weights[v] > 0:
            last = v
    return last


@compiled
def uniform(seed: Any, step: int) -> float:
    """Return the uniform number of a seed and a step: Threefry-2x64, as ``ostinato.decode.noise`` defines it."""
    key_0, key_1 = _U(seed), _U(0)
    key_2 = _PARITY ^ key_0 ^ key_1
    x, y = _U(step) + key_0, key_1
    for group in range(5):
        for turn in range(4):
            x += y
            bits = _U(_ROTATIONS[(4 * group + turn) % 8])
            y = ((y << bits) | (y >> (_U(64) - bits))) ^ x
        first, second = (group + 1) % 3, (group + 2) % 3
        x += key_0 if first == 0 else key_1 if first == 1 else key_2
        y += (key_0 if second == 0 else key_1 if second == 1 else key_2) + _U(group + 1)
    return float(x >> _U(11)) * 2.0**-53
