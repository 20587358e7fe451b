"""Reading given texts: prompts, for the state after them; and any text, for the log-probability of its symbols."""

from __future__ import annotations

from typing import Any, NamedTuple

from ostinato.engine import layout
from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.network import advance, load_rows, meet
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.rules import log_softmax
from ostinato.engine.compiled.target import array_of
from ostinato.engine.compiled.unpacking import network_of, scratch_of, state_of, team_of

_FIRST_ROW, _ROWS = SCALAR_PLACES["first_row"], SCALAR_PLACES["rows"]
_FIRST_STEP, _STEPS = SCALAR_PLACES["first_step"], SCALAR_PLACES["steps"]


class Recorded(NamedTuple):
    """Room for what is recorded after each symbol."""

    hidden: Any
    cell: Any
    logits: Any


@compiled
def read(target: Any, block: Any) -> None:
    """Read symbols ``first_step`` to ``first_step + steps`` of each row's text; the longest come first.

    Where ``log_probs`` has room, that of every symbol but the first is written there, given all before it. The logits
    of a row are those after its last symbol.
    """
    network, state, scratch = network_of(target, block), state_of(target, block), scratch_of(target, block)
    team = team_of(target, block)
    ids, offsets = array_of(target, block, "ids"), array_of(target, block, "offsets")
    last, log_probs = array_of(target, block, "last"), array_of(target, block, "log_probs")
    work = array_of(target, block, "work")
    first = block[_FIRST_ROW]
    live = array_of(target, block, "live")[first : first + block[_ROWS]]
    recorded = Recorded(
        array_of(target, block, "recorded_hidden"),
        array_of(target, block, "recorded_cell"),
        array_of(target, block, "recorded_logits"),
    )
    scores, records = len(log_probs) > 0, len(recorded.hidden) > 0
    alive = _longer_than(live, offsets, block[_FIRST_STEP])
    load_rows(network, state, scratch, team, live[:alive])
    for step in range(block[_FIRST_STEP], block[_FIRST_STEP] + block[_STEPS]):
        alive = _longer_than(live, offsets, step)
        if alive == 0:
            return
        ends = alive > _longer_than(live, offsets, step + 1)
        for place in range(alive):
            last[live[place]] = ids[offsets[live[place]] + step]
        advance(target, network, state, scratch, team, live[:alive], last, scores or records or ends)
        if records:
            if team.member == 0:
                _record(network, state, recorded, live[:alive], offsets, step)
            meet(team)  # before anyone changes what is recorded
        if scores and team.member == 0:
            going = _longer_than(live, offsets, step + 1)
            _note(network, state, live[:going], ids, offsets, step + 1, work, log_probs)


@compiled
def _record(network: Any, state: Any, recorded: Any, live: Any, offsets: Any, step: int) -> None:
    """Write down the states of each row after a symbol, and the logits of the next."""
    layers, width, outputs = network.plan[layout.LAYERS], network.plan[layout.WIDTH], network.plan[layout.OUTPUT]
    every = len(state.hidden) // layers
    for place in range(len(live)):
        row = live[place]
        symbol = offsets[row] + step
        for layer in range(layers):
            at, to = layer * every + row * width, (symbol * layers + layer) * width
            for j in range(width):
                recorded.hidden[to + j] = state.hidden[at + j]
            if len(recorded.cell):
                for j in range(width):
                    recorded.cell[to + j] = state.cell[at + j]
        if len(recorded.logits):
            for j in range(outputs):
                recorded.logits[symbol * outputs + j] = state.logits[row * outputs + j]


@compiled
def _longer_than(live: Any, offsets: Any, length: int) -> int:
    """Return the number of rows with more than ``length`` symbols."""
    count = 0
    while count < len(live) and offsets[live[count] + 1] - offsets[live[count]] > length:
        count += 1
    return count


@compiled
def _note(network: Any, state: Any, live: Any, ids: Any, offsets: Any, step: int, work: Any, log_probs: Any) -> None:
    """Write down the log-probability of each row's next symbol."""
    symbols, outputs = network.plan[layout.SYMBOLS], network.plan[layout.OUTPUT]
    for place in range(len(live)):
        number = live[place]
        given = state.logits[number * outputs : number * outputs + symbols]
        taken_off = log_softmax(given, work[:symbols], work[symbols : 2 * symbols])
        at = offsets[number] + step
        log_probs[at] = float(given[ids[at]]) - taken_off
