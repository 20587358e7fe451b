"""Compiled code that writes one frame of some rolls: the core along time by the engine, then note after note."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ostinato.engine import layout
from ostinato.engine.compiled.elementary import sigmoid
from ostinato.engine.compiled.network import advance, load_rows
from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.target import array_of, numbers_at
from ostinato.engine.compiled.unpacking import network_of, scratch_of, state_of, team_of

#: Arrays of the block, in order, and the scalars behind them.
(
    TIME,  # the engine's block of the core along time
    PITCH,  # of the core along pitch; of no length where there is none
    BEFORE,  # the frame before, [R, N]
    FRAMES,  # the frame that is written, [R, N]
    KNOWN,  # 1 sounds, 0 is silent, -1 is drawn, [N]
    UNIFORM,  # [R, N], the highest note first
    LOGITS,  # the logit of each note given those above it, [R, N]
    INTO,  # of NADE: weights of notes into the hidden layer, the highest note first, [N, K]
    OUT_OF,  # of NADE: weights from the hidden layer to notes, the highest first, [K, N]
    ROOM,  # [N + 2 K]
    FACTOR,  # [1]: 1 / temperature
    ARRAYS,
) = range(12)
ROWS, NOTES, HEAD, HIDDEN, FIRST_ROW, FIRST_PITCH_ROW, PITCH_INPUTS = range(2 * ARRAYS, 2 * ARRAYS + 7)
#: Heads.
INDEPENDENT, NADE, RECURRENT = range(3)


class Work(NamedTuple):
    """Arrays that are read and written."""

    before: Any
    frames: Any
    known: Any
    uniform: Any
    logits: Any
    into: Any
    out_of: Any
    room: Any
    factor: Any
    notes: int
    hidden: int


@compiled
def write_frame(target: Any, block: Any) -> None:
    """Read the frame before, and write the next one, in each roll."""
    time = numbers_at(block[2 * TIME], block[2 * TIME + 1], "int64")
    network, state, scratch, team = (
        network_of(target, time),
        state_of(target, time),
        scratch_of(target, time),
        team_of(target, time),
    )
    live, last, work = array_of(target, time, "live"), array_of(target, time, "last"), _work(block)
    rows, first = block[ROWS], block[FIRST_ROW]
    whole = network.plan[layout.GATES] * network.plan[layout.WIDTH]
    for row in range(rows):
        entry = _entry(network, first + row, whole)
        _begin(network, entry, work.notes, whole)
        for note in range(work.notes):
            if work.before[row * work.notes + note]:
                _add(network, entry, note, whole, np.float32(1.0))
        last[row] = first + row
    load_rows(network, state, scratch, team, live)
    advance(target, network, state, scratch, team, live, last, True)
    outputs = network.plan[layout.OUTPUT]
    if block[HEAD] == RECURRENT:
        _walk(target, block, state.logits, outputs, work)
        return
    for row in range(rows):
        own = state.logits[row * outputs : (row + 1) * outputs]
        if block[HEAD] == NADE:
            _nade(own, row, work)
        else:
            _independent(own, row, work)


@inlined
def _work(block: Any) -> Any:
    return Work(
        numbers_at(block[2 * BEFORE], block[2 * BEFORE + 1], "uint8"),
        numbers_at(block[2 * FRAMES], block[2 * FRAMES + 1], "uint8"),
        numbers_at(block[2 * KNOWN], block[2 * KNOWN + 1], "int8"),
        numbers_at(block[2 * UNIFORM], block[2 * UNIFORM + 1], "float32"),
        numbers_at(block[2 * LOGITS], block[2 * LOGITS + 1], "float32"),
        numbers_at(block[2 * INTO], block[2 * INTO + 1], "float32"),
        numbers_at(block[2 * OUT_OF], block[2 * OUT_OF + 1], "float32"),
        numbers_at(block[2 * ROOM], block[2 * ROOM + 1], "float32"),
        numbers_at(block[2 * FACTOR], block[2 * FACTOR + 1], "float32"),
        block[NOTES],
        block[HIDDEN],
    )


@inlined
def _entry(network: Any, number: int, whole: int) -> Any:
    """Return an entry of the table that stands for the first layer's product with its input."""
    at = network.plan[layout.TABLE] + number * whole
    return network.floats[at : at + whole]


@inlined
def _begin(network: Any, entry: Any, bias: int, whole: int) -> None:
    """Start an entry with the biases, which have a number among the entries."""
    begin = _entry(network, bias, whole)
    for j in range(whole):
        entry[j] = begin[j]


@compiled
def _add(network: Any, entry: Any, number: int, whole: int, factor: Any) -> None:
    """Add the weights of one input, times what it is."""
    weights = _entry(network, number, whole)
    for j in range(whole):
        entry[j] += factor * weights[j]


@inlined
def _decide(work: Any, row: int, place: int, logit: Any) -> Any:
    """Decide on the note at a place from above, by what is given or by a draw, and keep its logit."""
    note = work.notes - 1 - place
    work.logits[row * work.notes + note] = logit
    given = work.known[note]
    sounds = work.uniform[row * work.notes + place] < sigmoid(logit * work.factor[0]) if given < 0 else given == 1
    work.frames[row * work.notes + note] = sounds
    return sounds


@compiled
def _independent(of_core: Any, row: int, work: Any) -> None:
    for place in range(work.notes):
        _decide(work, row, place, of_core[work.notes - 1 - place])


@compiled
def _nade(of_core: Any, row: int, work: Any) -> None:
    """Draw note after note; the hidden layer changes only where one sounds, and is computed anew only then."""
    notes, hidden = work.notes, work.hidden
    sums, state, active = work.room[:notes], work.room[notes : notes + hidden], work.room[notes + hidden :]
    for k in range(hidden):
        state[k] = of_core[notes + k]
    place = 0
    while place < notes:
        for k in range(hidden):
            active[k] = sigmoid(state[k])
        for p in range(place, notes):
            sums[p] = of_core[notes - 1 - p]
        for k in range(hidden):
            factor, weights = active[k], work.out_of[k * notes : (k + 1) * notes]
            for p in range(place, notes):
                sums[p] += factor * weights[p]
        reached = notes
        for p in range(place, notes):
            if _decide(work, row, p, sums[p]):
                reached = p
                break
        if reached < notes:
            weights = work.into[reached * hidden : (reached + 1) * hidden]
            for k in range(hidden):
                state[k] += weights[k]
        place = reached + 1


@compiled
def _walk(target: Any, block: Any, of_core: Any, outputs: int, work: Any) -> None:
    """Walk down the notes of all rows by the core along pitch.

    Its inputs are the note above, the frame before around the note, and what the core along time says to it.
    """
    pitch = numbers_at(block[2 * PITCH], block[2 * PITCH + 1], "int64")
    network, state, scratch, team = (
        network_of(target, pitch),
        state_of(target, pitch),
        scratch_of(target, pitch),
        team_of(target, pitch),
    )
    live, last = array_of(target, pitch, "live"), array_of(target, pitch, "last")
    rows, first, inputs, features = block[ROWS], block[FIRST_PITCH_ROW], block[PITCH_INPUTS], work.hidden
    whole, own = network.plan[layout.GATES] * network.plan[layout.WIDTH], network.plan[layout.OUTPUT]
    around = (inputs - 2 - features) // 2
    state.hidden[:] = np.float32(0.0)
    state.cell[:] = np.float32(0.0)
    load_rows(network, state, scratch, team, live)
    for row in range(rows):
        last[row] = first + row
    for place in range(work.notes):
        note = work.notes - 1 - place
        for row in range(rows):
            entry, at = _entry(network, first + row, whole), row * work.notes
            _begin(network, entry, inputs, whole)
            if place > 0 and work.frames[at + note + 1]:
                _add(network, entry, 0, whole, np.float32(1.0))
            for near in range(max(0, note - around), min(work.notes, note + around + 1)):
                if work.before[at + near]:
                    _add(network, entry, 1 + near - note + around, whole, np.float32(1.0))
            said = row * outputs + work.notes + note * features
            for feature in range(features):
                _add(network, entry, 2 + 2 * around + feature, whole, of_core[said + feature])
        advance(target, network, state, scratch, team, live, last, True)
        for row in range(rows):
            _decide(work, row, place, state.logits[row * own] + of_core[row * outputs + note])
