"""The rules over one row's logits, in float64, as ``ostinato.decode.rules`` defines them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ostinato.engine import program as codes
from ostinato.engine.compiled.elementary import exp64
from ostinato.engine.compiled.options import compiled, inlined


class Rules(NamedTuple):
    """Arrays that all rows and steps share; see ``ostinato.engine.program``."""

    rules: Any
    numbers: Any
    facts: Any
    next: Any  # [S * V]
    accepts: Any
    fewest: Any
    known: Any
    stop_next: Any  # [S * V]
    stop_found: Any


class Row(NamedTuple):
    """Data of one row, and scratch arrays."""

    logits: Any  # float64, what the rules make of them, [V]
    weights: Any  # float64, [V]
    keys: Any  # float64, [V]
    order: Any  # int64, [V]
    counts: Any  # int64, how often each symbol stands in the window, [V]; empty where nothing asks
    states: Any  # int64, of the constraint; the row's is at ``number``
    number: int
    step: int


@inlined
def row_of(rules: Any, room: Any, counts: Any, states: Any, symbols: int, number: int, step: int) -> Any:
    """Return one row as the rules see it; ``room`` is float64 [3, V] and int64 [V] to work in."""
    own = counts[number * symbols : (number + 1) * symbols] if rules.facts[codes.WINDOW] else counts[:0]
    work, order = room
    return Row(
        work[:symbols],
        work[symbols : 2 * symbols],
        work[2 * symbols : 3 * symbols],
        order,
        own,
        states,
        number,
        step,
    )


@compiled
def largest(values: Any) -> float:
    """Return the largest of some numbers."""
    top = values[0]
    for v in range(len(values)):
        top = values[v] if values[v] > top else top
    return top


@compiled
def log_softmax(given: Any, into: Any, weights: Any) -> float:
    """Turn logits into log-probabilities; return the number subtracted from all of them."""
    for v in range(len(into)):
        into[v] = float(given[v])
    taken_off = largest(into) + math.log(weigh(into, weights))
    for v in range(len(into)):
        into[v] -= taken_off
    return taken_off


@compiled
def weigh(logits: Any, weights: Any) -> float:
    """Fill ``weights`` with e^(logit - largest); return their sum."""
    top = largest(logits)
    for v in range(len(logits)):
        weights[v] = exp64(logits[v] - top)
    return total_of(weights)


@compiled
def total_of(weights: Any) -> float:
    """Return the sum, added up in the order of ids."""
    total = 0.0
    for v in range(len(weights)):
        total += weights[v]
    return total


@compiled
def apply_rules(rules: Any, row: Any) -> float:
    """Let all rules change a row's logits; return the log of what the constraint kept of the mass, 0 without one."""
    kept = 0.0
    for number in range(rules.facts[codes.RULES]):
        code = rules.rules[number * codes.FIELDS]
        a, at = rules.rules[number * codes.FIELDS + 1], rules.rules[number * codes.FIELDS + 2]
        if code == codes.CONSTRAINT:
            kept += _constrain(rules, row)
        elif code <= codes.ETA:
            _shape(rules, row, code, a, at)
        else:
            _look_back(rules, row, code, a, at)
    return kept


@compiled
def _shape(rules: Any, row: Any, code: int, a: int, at: int) -> None:
    """Apply a rule that looks only at the logits."""
    logits, numbers = row.logits, rules.numbers
    if code == codes.TEMPERATURE:
        temperature = _temperature(numbers, a, at, row.step)
        for v in range(len(logits)):
            logits[v] /= temperature
    elif code == codes.TOP_K:
        _keep_best(row, a)
    elif code == codes.MIN_P:
        _forbid_below(logits, largest(logits) + numbers[at])
    elif code == codes.TOP_P:
        total = weigh(logits, row.weights)
        _keep_mass(row, logits, numbers[at] * total)
    else:
        _by_surprise(row, code, numbers[at])


@compiled
def _temperature(numbers: Any, count: int, at: int, step: int) -> float:
    """Return the temperature of a step, linearly interpolated between two points."""
    if step < numbers[at]:
        return numbers[at + 1]
    for point in range(count - 1):
        place = at + 2 * point
        start, low, stop, high = numbers[place], numbers[place + 1], numbers[place + 2], numbers[place + 3]
        if step < stop:
            return low + (high - low) * (step - start) / (stop - start)
    return numbers[at + 2 * count - 1]


@compiled
def _forbid_below(logits: Any, bar: float) -> None:
    for v in range(len(logits)):
        if logits[v] < bar:
            logits[v] = -math.inf


@compiled
def _by_surprise(row: Any, code: int, number: float) -> None:
    """Apply typical, epsilon or eta sampling: a bar over the normalised log-probability."""
    logits, weights = row.logits, row.weights
    top = largest(logits)
    total = weigh(logits, weights)
    shift = top + math.log(total)
    entropy = 0.0
    for v in range(len(logits)):
        if weights[v] > 0:
            entropy -= weights[v] / total * (logits[v] - shift)
    if code == codes.TYPICAL:
        # Weights are wanted by mass, and the order by distance: the distance goes into the keys.
        for v in range(len(logits)):
            distance = abs(shift - logits[v] - entropy) if logits[v] > -math.inf else math.inf
            row.keys[v] = -distance
        _keep_mass(row, row.keys, number * total)
        return
    bar = number
    if code == codes.ETA:
        bar = min(number, 0.5 * number - entropy)
    _forbid_below(logits, min(bar + shift, top))


@compiled
def _before(keys: Any, a: int, b: int) -> bool:
    """Return whether id ``a`` comes before ``b``: by key, highest first; of equal ones the lower id."""
    return keys[a] > keys[b] or (keys[a] == keys[b] and a < b)


@compiled
def _sink(order: Any, keys: Any, place: int, size: int) -> None:
    """Sift an id down the heap to its place."""
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _before(keys, order[child + 1], order[child]):
            child += 1
        if not _before(keys, order[child], order[place]):
            return
        order[place], order[child] = order[child], order[place]
        place = child


@compiled
def make_heap(order: Any, keys: Any) -> None:
    """Arrange all ids so that the first comes before all others."""
    size = len(order)
    for v in range(size):
        order[v] = v
    for place in range(size // 2 - 1, -1, -1):
        _sink(order, keys, place, size)


@compiled
def pop_heap(order: Any, keys: Any, size: int) -> int:
    """Take the first of ``size`` ids out of the heap; it goes where the heap ends now."""
    first = order[0]
    order[0] = order[size - 1]
    order[size - 1] = first
    _sink(order, keys, 0, size - 1)
    return first


@compiled
def _keep_best(row: Any, count: int) -> None:
    size = len(row.order)
    if count >= size:
        return
    make_heap(row.order, row.logits)
    for left in range(size, size - count, -1):
        pop_heap(row.order, row.logits, left)
    for place in range(size - count):
        row.logits[row.order[place]] = -math.inf


@compiled
def _keep_mass(row: Any, keys: Any, mass: float) -> None:
    """Keep the fewest symbols by key that reach a mass of ``weights``; at least one."""
    size = len(row.order)
    make_heap(row.order, keys)
    reached, left = 0.0, size
    while left > 0 and (left == size or reached < mass):
        reached += row.weights[pop_heap(row.order, keys, left)]
        left -= 1
    for place in range(left):
        row.logits[row.order[place]] = -math.inf


@compiled
def _look_back(rules: Any, row: Any, code: int, a: int, at: int) -> None:
    """Apply a rule about earlier symbols, or about single symbols."""
    logits, numbers = row.logits, rules.numbers
    if code == codes.REPETITION:
        factor = numbers[at]
        for v in range(len(logits)):
            if row.counts[v] > 0:
                logits[v] = logits[v] * factor if logits[v] <= 0 else logits[v] / factor
    elif code == codes.COUNTS:
        for v in range(len(logits)):
            if row.counts[v] > 0:
                logits[v] = logits[v] - row.counts[v] * numbers[at + 1] - numbers[at]
    elif code == codes.BIAS:
        for v in range(len(logits)):
            logits[v] += numbers[at + v]
    else:
        end = rules.facts[codes.END_SYMBOL]
        logits[end] = -math.inf if a < 0 or row.step < a else logits[end] + numbers[at]


@compiled
def _constrain(rules: Any, row: Any) -> float:
    """Forbid symbols after which the constraint cannot be fulfilled in time; return the log of the mass kept."""
    logits, size = row.logits, len(row.logits)
    state, end = row.states[row.number], rules.facts[codes.END_SYMBOL]
    left = rules.facts[codes.LENGTH] - row.step - 1
    top, before = largest(logits), weigh(logits, row.weights)
    for v in range(size):
        after = rules.next[state * size + v]
        allowed = after >= 0 and rules.fewest[after] <= left
        if v == end:
            allowed = rules.accepts[state] != 0
        if not allowed:
            logits[v] = -math.inf
    left_over = largest(logits)
    if left_over == -math.inf:
        return -math.inf
    return min(0.0, left_over - top + math.log(weigh(logits, row.weights) / before))


@compiled
def is_over(rules: Any, state: int, stop_state: int, symbols: int, step: int) -> bool:
    """Return whether a row is complete before a step: a stop string is written, or its constraint is fulfilled."""
    if len(rules.stop_found) > 0 and rules.stop_found[stop_state] != 0:
        return True
    return is_complete(rules, state, symbols, rules.facts[codes.LENGTH] - step - 1)


@compiled
def follow(rules: Any, states: Any, stop_states: Any, number: int, symbol: int, symbols: int) -> None:
    """Move a row's constraint and stop strings on by a symbol."""
    if len(rules.next) > 1:
        states[number] = rules.next[states[number] * symbols + symbol]
    if len(rules.stop_found) > 0:
        stop_states[number] = rules.stop_next[stop_states[number] * symbols + symbol]


@compiled
def is_complete(rules: Any, state: int, symbols: int, left: int) -> bool:
    """Return whether the constraint is fulfilled and lets nothing follow, in a model without an end symbol.

    ``left`` is the number of symbols after the next one; a symbol counts only if the constraint can be fulfilled within
    them. At the length (``left`` under 0) every symbol counts that the constraint allows.
    """
    if rules.facts[codes.ENDS_BY_CONSTRAINT] == 0 or rules.accepts[state] == 0:
        return False
    follows = False
    for v in range(symbols):
        after = rules.next[state * symbols + v]
        follows |= after >= 0 and (left < 0 or rules.fewest[after] <= left)
    return not follows
