"""A layer over whole sequences, for training: the recurrence forward, and back through time.

A call does some steps of some rows and units, and notes in its block which come next. Threads that share out rows never
wait for each other; those that share out units need what all of them did at the step before, so each of their calls is
one step. What does not depend on the step before is done outside, in large products: those of the inputs, and the
gradients of inputs and weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ostinato.engine import layout
from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.gates import elman_ahead, elman_back, gru_ahead, gru_back, lstm_ahead, lstm_back
from ostinato.engine.compiled.numbers import as_stored, number
from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.products import Acts, Panel, multiply_panel
from ostinato.engine.compiled.target import array_of
from ostinato.engine.layout import PANEL

_FIRST_ROW, _ROWS, _STEPS = SCALAR_PLACES["first_row"], SCALAR_PLACES["rows"], SCALAR_PLACES["steps"]
_FIRST_UNIT, _UNITS = SCALAR_PLACES["first_unit"], SCALAR_PLACES["units"]
_STEP, _STEPS_NOW = SCALAR_PLACES["first_step"], SCALAR_PLACES["steps_now"]
_KIND, _WIDTH, _IS_TRANSPOSED = SCALAR_PLACES["kind"], SCALAR_PLACES["width"], SCALAR_PLACES["is_transposed"]

_LINE = 16  # numbers of a line of a processor's cache, all of which are used while it is there


class Layer(NamedTuple):
    """A layer over sequences; see ``ostinato.engine.block``. Axis 0 is the row, axis 1 the time step."""

    gates: Any  # [B, T, G H]
    outputs: Any  # [B, T + 1, H], the hidden state before the first step and after every one
    cells: Any  # [B, T + 1, H] float32, of an LSTM
    backs: Any  # [B, T, H], of a GRU
    bias: Any  # [H] float32, of a GRU's candidate
    kind: int
    steps: int
    width: int
    gate_count: int


@inlined
def _layer_of(target: Any, block: Any) -> Any:
    kind = block[_KIND]
    gate_count = 4 if kind >= layout.LSTM else 3 if kind == layout.GRU else 1
    return Layer(
        array_of(target, block, "gates"),
        array_of(target, block, "outputs"),
        array_of(target, block, "cells"),
        array_of(target, block, "backs"),
        array_of(target, block, "bias"),
        kind,
        block[_STEPS],
        block[_WIDTH],
        gate_count,
    )


@compiled
def scan(target: Any, block: Any) -> None:
    """Run some units of rows ``first_row`` to ``first_row + rows`` through the next steps."""
    layer = _layer_of(target, block)
    hidden, first, rows = array_of(target, block, "totals"), block[_FIRST_ROW], block[_ROWS]
    step, after = block[_STEP], min(block[_STEP] + block[_STEPS_NOW], layer.steps)
    if step == 0:
        for row in range(rows):
            at = (first + row) * (layer.steps + 1) * layer.width
            _load(layer.outputs[at : at + layer.width], hidden[row * layer.width :])
    while step < after:
        _step_ahead(target, block, layer, step)
        step += 1
    block[_STEP] = after


@inlined
def _step_ahead(target: Any, block: Any, layer: Any, step: int) -> None:
    weights, acts = array_of(target, block, "weights").ctypes.data, array_of(target, block, "acts")
    sums, hidden = array_of(target, block, "ahead"), array_of(target, block, "totals")
    product = array_of(target, block, "back")
    first, rows, width = block[_FIRST_ROW], block[_ROWS], layer.width
    size = 4 * PANEL  # of a row's sums: four gates, or three and room for one
    operands = Acts(acts.ctypes.data, 0, width * acts.itemsize // 4, rows)
    for row in range(rows):
        at = ((first + row) * (layer.steps + 1) + step) * width
        _copy(layer.outputs[at : at + width], acts[row * width :])
    for unit in range(block[_FIRST_UNIT], block[_FIRST_UNIT] + block[_UNITS], PANEL):
        for gate in range(layer.gate_count):
            panel = (unit * layer.gate_count + gate * PANEL) * width * acts.itemsize
            multiply_panel(target, Panel(weights + panel, 0, 0), operands, product.ctypes.data)
            for row in range(rows):
                to = row * size + gate * PANEL
                _copy(product[row * PANEL : (row + 1) * PANEL], sums[to : to + PANEL])
        for row in range(rows):
            to = row * width + unit
            own = hidden[to : to + PANEL]
            _ahead(layer, first + row, step, unit, sums[row * size : (row + 1) * size], own)


@inlined
def _ahead(layer: Any, row: int, step: int, unit: int, sums: Any, hidden: Any) -> None:
    """Bring 64 units of a row to the next step; ``sums`` are the state's share of the gates' sums."""
    width, steps = layer.width, layer.steps
    at = (row * steps + step) * layer.gate_count * width + unit
    back = (row * steps + step) * width + unit
    before = (row * (steps + 1) + step) * width + unit
    after = before + width
    given = 2 if layer.kind == layout.GRU else layer.gate_count
    for gate in range(given):
        _add(layer.gates[at + gate * width :], sums[gate * PANEL : (gate + 1) * PANEL])
    if layer.kind >= layout.LSTM:
        cells, capped = layer.cells, layer.kind == layout.CAPPED_LSTM
        lstm_ahead(sums, cells[before : before + PANEL], cells[after : after + PANEL], hidden, capped)
    elif layer.kind == layout.GRU:
        # The candidate's two shares stay apart: that of the state goes behind the gates.
        _copy(sums[2 * PANEL : 3 * PANEL], sums[3 * PANEL : 4 * PANEL])
        _load(layer.gates[at + 2 * width : at + 2 * width + PANEL], sums[2 * PANEL : 3 * PANEL])
        gru_ahead(sums[: 3 * PANEL], sums[3 * PANEL : 4 * PANEL], layer.bias[unit : unit + PANEL], hidden)
        _store(sums[3 * PANEL : 4 * PANEL], layer.backs[back : back + PANEL])
    else:
        elman_ahead(sums, hidden, layer.kind == layout.ELMAN_RELU)
    if layer.gate_count > 1:
        for gate in range(layer.gate_count):
            to = at + gate * width
            _store(sums[gate * PANEL : (gate + 1) * PANEL], layer.gates[to : to + PANEL])
    _store(hidden, layer.outputs[after : after + PANEL])


@compiled
def scan_back(target: Any, block: Any) -> None:
    """Run the same units and rows back through time: gradients of the gates' sums, and of the state before a step.

    ``totals`` and ``d_cells`` become the gradients of hidden state and cell before the first step, [rows, H]. The
    gradient of a hidden state needs all units of the next step, so it comes a round later; the last, in an extra one.
    """
    layer = _layer_of(target, block)
    done, after = block[_STEP], min(block[_STEP] + block[_STEPS_NOW], layer.steps + 1)
    while done < after:
        step = layer.steps - 1 - done
        if done > 0:
            _through_weights(target, block, layer, step + 1)
        if step >= 0:
            _through_gates(target, block, layer, step)
        done += 1
    block[_STEP] = after


@inlined
def _through_gates(target: Any, block: Any, layer: Any, step: int) -> None:
    """Compute the gradients of a step's gate sums from that of its state."""
    d_hidden, d_cell = array_of(target, block, "totals"), array_of(target, block, "d_cells")
    d_outputs, d_states = array_of(target, block, "d_outputs"), array_of(target, block, "d_states")
    d_gates, d_backs = array_of(target, block, "d_gates"), array_of(target, block, "d_backs")
    d_bias, room = array_of(target, block, "d_bias"), array_of(target, block, "ahead")
    first, width, unit_first = block[_FIRST_ROW], layer.width, block[_FIRST_UNIT]
    for row in range(block[_ROWS]):
        line = ((first + row) * layer.steps + step) * width
        to = row * width
        for unit in range(unit_first, unit_first + block[_UNITS], PANEL):
            if len(d_outputs) > 0:
                _add(d_outputs[line + unit :], d_hidden[to + unit : to + unit + PANEL])
            if len(d_states) > 0:
                _add(d_states[line + unit :], d_cell[to + unit : to + unit + PANEL])
            gradients = Gradients(d_hidden[to:], d_cell[to:], d_gates, d_backs, d_bias)
            _back(layer, first + row, step, unit, gradients, room)


@inlined
def _through_weights(target: Any, block: Any, layer: Any, step: int) -> None:
    """Compute the gradient of the hidden state before a step from those of its gate sums."""
    weights, acts = array_of(target, block, "weights").ctypes.data, array_of(target, block, "acts")
    d_hidden, product = array_of(target, block, "totals"), array_of(target, block, "back")
    is_gru = layer.kind == layout.GRU
    own = array_of(target, block, "d_backs") if is_gru else array_of(target, block, "d_gates")
    first, rows, width = block[_FIRST_ROW], block[_ROWS], layer.width
    line_size = width * acts.itemsize
    for row in range(rows):
        for gate in range(layer.gate_count):
            at = (((first + row) * layer.steps + step) * layer.gate_count + gate) * width
            to = (gate * rows + row) * width
            _copy(own[at : at + width], acts[to : to + width])
    # Gate by gate, as the activations and the weights of all of them do not fit the cache next to the core.
    for unit in range(block[_FIRST_UNIT], block[_FIRST_UNIT] + block[_UNITS], PANEL):
        for gate in range(layer.gate_count):
            operands = Acts(acts.ctypes.data + gate * rows * line_size, 0, line_size // 4, rows)
            panel = (unit * layer.gate_count + gate * PANEL) * line_size
            multiply_panel(target, Panel(weights + panel, 0, 0), operands, product.ctypes.data)
            for row in range(rows):
                into = d_hidden[row * width + unit : row * width + unit + PANEL]
                if gate > 0 or is_gru:  # what went past a GRU's gates is there already
                    _add(product[row * PANEL :], into)
                else:
                    _copy(product[row * PANEL : (row + 1) * PANEL], into)


class Gradients(NamedTuple):
    """Gradients of a row's hidden state and cell, of all gates' sums, and of biases."""

    hidden: Any
    cell: Any
    gates: Any
    backs: Any
    bias: Any


@inlined
def _back(layer: Any, row: int, step: int, unit: int, gradients: Any, room: Any) -> None:
    """Compute the gradients of 64 units of a row at one step."""
    width, steps, count = layer.width, layer.steps, layer.gate_count
    at = (row * steps + step) * count * width + unit
    back = (row * steps + step) * width + unit
    before = (row * (steps + 1) + step) * width + unit
    after = before + width
    gates, hidden = room[: count * PANEL], gradients.hidden[unit : unit + PANEL]
    if count > 1:
        for gate in range(count):
            _load(layer.gates[at + gate * width : at + gate * width + PANEL], gates[gate * PANEL :])
    if layer.kind >= layout.LSTM:
        cells, capped = layer.cells, layer.kind == layout.CAPPED_LSTM
        own = gradients.cell[unit : unit + PANEL]
        lstm_back(gates, cells[before : before + PANEL], cells[after : after + PANEL], hidden, own, capped)
    elif layer.kind == layout.GRU:
        past, from_before = room[3 * PANEL : 4 * PANEL], room[4 * PANEL : 5 * PANEL]
        _load(layer.outputs[before : before + PANEL], past)
        _load(layer.backs[back : back + PANEL], from_before)
        gru_back(gates, past, from_before, hidden)
        for gate in range(2):
            to = at + gate * width
            _store(gates[gate * PANEL : (gate + 1) * PANEL], gradients.backs[to : to + PANEL])
        _store(from_before, gradients.backs[at + 2 * width : at + 2 * width + PANEL])
        _add(from_before, gradients.bias[count * width + unit : count * width + unit + PANEL])
    else:
        _load(layer.outputs[after : after + PANEL], gates)
        elman_back(gates, hidden, layer.kind == layout.ELMAN_RELU)
    for gate in range(count):
        to = at + gate * width
        _store(gates[gate * PANEL : (gate + 1) * PANEL], gradients.gates[to : to + PANEL])
        to = gate * width + unit
        _add(gates[gate * PANEL : (gate + 1) * PANEL], gradients.bias[to : to + PANEL])


@inlined
def _add(stored: Any, into: Any) -> None:
    for j in range(len(into)):
        into[j] += number(stored[j])


@inlined
def _copy(numbers: Any, into: Any) -> None:
    for j in range(len(into)):
        into[j] = numbers[j]


@inlined
def _store(numbers: Any, into: Any) -> None:
    for j in range(len(numbers)):
        into[j] = as_stored(into, numbers[j])


@inlined
def _load(stored: Any, into: Any) -> None:
    for j in range(len(stored)):
        into[j] = number(stored[j])


@compiled
def lay_out(target: Any, block: Any) -> None:
    """Lay out float32 weights [G H, H] in panels, for ``scan`` as [unit block, gate], for ``scan_back`` transposed.

    Only the units ``first_unit`` to ``first_unit + units`` are laid out.
    """
    floats, weights = array_of(target, block, "floats"), array_of(target, block, "weights")
    width, kind = block[_WIDTH], block[_KIND]
    gate_count = 4 if kind >= layout.LSTM else 3 if kind == layout.GRU else 1
    pair = 4 // weights.itemsize  # numbers of one column that lie together
    for unit in range(block[_FIRST_UNIT], block[_FIRST_UNIT] + block[_UNITS], PANEL):
        if block[_IS_TRANSPOSED] == 0:
            for gate in range(gate_count):
                into = weights[(unit // PANEL * gate_count + gate) * PANEL * width :]
                for first in range(0, width, _LINE):
                    for column in range(PANEL):
                        line = floats[(gate * width + unit + column) * width :]
                        for k in range(first, first + _LINE):
                            place = k // pair * PANEL * pair + k % pair
                            into[place + column * pair] = as_stored(into, line[k])
        else:
            into = weights[unit * gate_count * width :]
            for k in range(gate_count * width):
                place = k // pair * PANEL * pair + k % pair
                for column in range(PANEL):
                    into[place + column * pair] = as_stored(into, floats[k * width + unit + column])
