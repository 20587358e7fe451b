"""One time step of a packed network, for some rows, by one thread or by several that share out the units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from ostinato.engine import layout
from ostinato.engine.compiled.cells import elman_cell, gru_cell, lstm_cell
from ostinato.engine.compiled.clamping import hold_block, holds_any, is_beyond_one
from ostinato.engine.compiled.intrinsics import add_atomically, call_address, load_atomically, pause, rounded
from ostinato.engine.compiled.options import compiled, inlined
from ostinato.engine.compiled.products import Acts, Into, Panel, add_product

PANEL = layout.PANEL
_F = np.float32
_MAGIC = _F(1.5 * 2**23)
_LEVELS, _ONE = _F(127.0), _F(1.0)
_BOUNDED = _F(1 / 127)
_SPINS = 400  # about ten microseconds; then somebody else seems to need this core


class Network(NamedTuple):
    """A packed model's arrays; see ``ostinato.engine.packing.PackedModel``."""

    weights: Any
    sums: Any
    scales: Any
    floats: Any
    plan: Any
    held: Any  # clamps, ``ostinato.engine.compiled.clamping.Held``


class State(NamedTuple):
    """State of R rows: hidden and cell, [L * R * H], and the logits of the next symbol, [R * OUTPUT]."""

    hidden: Any
    cell: Any
    logits: Any


class Scratch(NamedTuple):
    """One thread's room for ``most`` rows."""

    acts: Any  # activations as products read them, [1 + L slots, most, SLOT]
    factors: Any  # what an activation's number is multiplied with, [1 + L slots, most]
    totals: Any  # float32, the sum of a residual stack, [most * H]
    product: Any  # of one panel, [most * 64]
    ahead: Any  # what the gates get from below and, but of a GRU, from before, [most, G, 64]
    back: Any  # of a GRU, what they get from before
    most: int


class Team(NamedTuple):
    """Threads that share out the units of the same rows."""

    meetings: Any  # [0]: how often somebody came; [8]: address of the system's "let others run", or 0
    member: int
    size: int


@compiled
def meet(team: Any) -> None:
    """Wait until every member of the team is here."""
    if team.size == 1:
        return
    place = team.meetings.ctypes.data
    target = (add_atomically(place, 1) // team.size + 1) * team.size
    spins = 0
    while load_atomically(place) < target:
        pause()
        spins += 1
        if spins > _SPINS and team.meetings[8] != 0:
            call_address(team.meetings[8])


def store_activations(numbers: Any, bounded: Any, acts: Any) -> Any:
    """Write float32 activations as products read them; return the factor that converts them back."""


@overload(store_activations, inline="never")  # type: ignore[misc]
def _store_activations(numbers: Any, bounded: Any, acts: Any) -> Any:
    if acts.dtype == types.float32:
        return _store_floats
    return _store_levels


def _store_floats(numbers: Any, bounded: Any, acts: Any) -> Any:
    for j in range(len(numbers)):
        acts[j] = numbers[j]
    return _ONE


def _store_levels(numbers: Any, bounded: Any, acts: Any) -> Any:
    factor, step = _BOUNDED, _LEVELS
    if not bounded:
        largest = _F(0.0)
        for j in range(len(numbers)):
            largest = max(largest, abs(numbers[j]))
        factor = largest / _LEVELS if largest > 0 else _ONE
        step = _ONE / factor
    for j in range(len(numbers)):
        acts[j] = np.uint8(rounded(numbers[j] * step + _MAGIC) + np.int32(128))
    return factor


@inlined
def advance(
    target: Any, network: Any, state: Any, scratch: Any, team: Any, rows: Any, symbols: Any, wants_logits: bool
) -> None:
    """Read one symbol in each row.

    Args:
        target: Instructions and precision.
        network: Weights.
        state: State of all rows.
        scratch: This thread's scratch arrays; their activations are those of the same rows.
        team: Team and this thread's place in it, which decides its units.
        rows: Numbers of the state rows that go on, [live].
        symbols: Symbol that each row reads, by state row.
        wants_logits: Whether the logits of the next symbol are needed.
    """
    plan = network.plan
    layers, width, residual = plan[layout.LAYERS], plan[layout.WIDTH], plan[layout.RESIDUAL] != 0
    if plan[layout.EMBEDDING] >= 0:
        _store_embedding(network, scratch, rows, symbols)
    blocks = width // PANEL
    for layer in range(layers):
        for block in range(blocks * team.member // team.size, blocks * (team.member + 1) // team.size):
            _step_block(target, network, state, scratch, rows, symbols, layer, block)
        meet(team)
        store_hidden(network, state, scratch, rows, layer)
        if residual:
            _add_hidden(network, state, scratch, rows, layer)
    if wants_logits:
        source = 0 if residual and layers > 1 else layout.FIRST_HIDDEN + layers - 1
        panels = plan[layout.OUTPUT] // PANEL
        for panel in range(panels * team.member // team.size, panels * (team.member + 1) // team.size):
            _output_panel(target, network, state, scratch, rows, source, panel)
    if holds_any(network.held) and team.member == 0:  # all have read the clock, and meet before they read it again
        for place in range(len(rows)):
            network.held.clock[rows[place]] += 1
    meet(team)  # nobody changes what another member still reads


@inlined
def load_rows(network: Any, state: Any, scratch: Any, team: Any, rows: Any) -> None:
    """Load the activations of some rows into the scratch: before the first step, and when other rows go on."""
    for layer in range(network.plan[layout.LAYERS]):
        store_hidden(network, state, scratch, rows, layer)
    meet(team)  # before anyone changes what was loaded


@compiled
def store_hidden(network: Any, state: Any, scratch: Any, rows: Any, layer: int) -> None:
    """Store a layer's output as activations."""
    plan = network.plan
    width, slot = plan[layout.WIDTH], layout.FIRST_HIDDEN + layer
    bounded, held = plan[layout.KIND] != layout.ELMAN_RELU, holds_any(network.held)
    first = len(state.hidden) // plan[layout.LAYERS] * layer
    for place in range(len(rows)):
        at = first + rows[place] * width
        to = slot * scratch.most * plan[layout.SLOT] + place * width
        hidden = state.hidden[at : at + width]
        within = bounded and not (held and is_beyond_one(hidden))
        scratch.factors[slot * scratch.most + place] = store_activations(hidden, within, scratch.acts[to : to + width])


@inlined
def _store_embedding(network: Any, scratch: Any, rows: Any, symbols: Any) -> None:
    width, first = network.plan[layout.EMBEDDING_WIDTH], network.plan[layout.EMBEDDING]
    for place in range(len(rows)):
        at = first + symbols[rows[place]] * width
        to = place * width
        scratch.factors[place] = store_activations(
            network.floats[at : at + width], False, scratch.acts[to : to + width]
        )


@inlined
def _add_hidden(network: Any, state: Any, scratch: Any, rows: Any, layer: int) -> None:
    """Add a layer's output to the sum of a residual stack, and store the sum as activations."""
    plan = network.plan
    width = plan[layout.WIDTH]
    first = len(state.hidden) // plan[layout.LAYERS] * layer
    for place in range(len(rows)):
        at, to = first + rows[place] * width, place * width
        hidden, total = state.hidden[at : at + width], scratch.totals[to : to + width]
        if layer == 0:
            for j in range(width):
                total[j] = hidden[j]
        else:
            for j in range(width):
                total[j] += hidden[j]
        scratch.factors[place] = store_activations(total, False, scratch.acts[to : to + width])


@inlined
def _step_block(
    target: Any, network: Any, state: Any, scratch: Any, rows: Any, symbols: Any, layer: int, block: int
) -> None:
    """Bring 64 units of a layer to the next time step."""
    plan = network.plan
    block_plan = plan[layout.HEAD + layer * layout.LAYER : layout.HEAD + (layer + 1) * layout.LAYER]
    kind, gates, width = plan[layout.KIND], plan[layout.GATES], plan[layout.WIDTH]
    inputs = block_plan[layout.INPUT]
    panel = (inputs + width) * PANEL
    lines = 2 * PANEL if inputs else PANEL
    _begin_gates(network, scratch, rows, symbols, layer, block)
    into = scratch.back if kind == layout.GRU else scratch.ahead
    if kind == layout.GRU:
        into[: len(rows) * gates * PANEL] = _F(0.0)
    for gate in range(gates):
        at = block_plan[layout.WEIGHTS] + (block * gates + gate) * panel
        line = block_plan[layout.ROWS] + (block * gates + gate) * lines
        if inputs:
            source = block_plan[layout.SOURCE]
            add_product(
                target,
                _panel_at(network, at, line),
                _acts_in(network, scratch, source, inputs, len(rows)),
                _into(scratch, scratch.ahead, gates, gate),
            )
            at, line = at + inputs * PANEL, line + PANEL
        add_product(
            target,
            _panel_at(network, at, line),
            _acts_in(network, scratch, layout.FIRST_HIDDEN + layer, width, len(rows)),
            _into(scratch, into, gates, gate),
        )
    _update_block(network, state, scratch, rows, layer, block)


@inlined
def _update_block(network: Any, state: Any, scratch: Any, rows: Any, layer: int, block: int) -> None:
    """Turn the sums of 64 units' gates into their next states, and hold those that are held."""
    plan = network.plan
    block_plan = plan[layout.HEAD + layer * layout.LAYER : layout.HEAD + (layer + 1) * layout.LAYER]
    kind, gates, width = plan[layout.KIND], plan[layout.GATES], plan[layout.WIDTH]
    first = len(state.hidden) // plan[layout.LAYERS] * layer
    size = gates * PANEL
    for place in range(len(rows)):
        at = first + rows[place] * width + block * PANEL
        hidden = state.hidden[at : at + PANEL]
        ahead = scratch.ahead[place * size : (place + 1) * size]
        if kind >= layout.LSTM:
            lstm_cell(ahead, hidden, state.cell[at : at + PANEL], kind == layout.CAPPED_LSTM)
        elif kind == layout.GRU:
            bias = block_plan[layout.CANDIDATE_BIAS] + block * PANEL
            gru_cell(
                ahead, scratch.back[place * size : (place + 1) * size], network.floats[bias : bias + PANEL], hidden
            )
        else:
            elman_cell(ahead, hidden, kind == layout.ELMAN_RELU)
        if holds_any(network.held):
            has_cell = len(state.cell) > 0
            hold_block(
                network.held,
                layer * width + block * PANEL,
                plan[layout.LAYERS] * width,
                rows[place],
                ahead,
                hidden,
                state.cell[at : at + PANEL * has_cell],
            )


@inlined
def _begin_gates(network: Any, scratch: Any, rows: Any, symbols: Any, layer: int, block: int) -> None:
    """Start the gates' sums with their biases, or with the symbol's entry in the first layer's table."""
    plan, floats = network.plan, network.floats
    size = plan[layout.GATES] * PANEL
    bias = plan[layout.HEAD + layer * layout.LAYER + layout.BIAS]
    whole = plan[layout.GATES] * plan[layout.WIDTH]
    for place in range(len(rows)):
        at = (plan[layout.TABLE] + symbols[rows[place]] * whole if bias < 0 else bias) + block * size
        begin, ahead = floats[at : at + size], scratch.ahead[place * size : (place + 1) * size]
        for j in range(size):
            ahead[j] = begin[j]


@inlined
def _panel_at(network: Any, at: int, line: int) -> Any:
    """Return the panel whose first weight has number ``at`` and whose first row has number ``line``."""
    return Panel(
        network.weights.ctypes.data + at * network.weights.itemsize,
        network.sums.ctypes.data + 4 * line,
        network.scales.ctypes.data + 4 * line,
    )


@inlined
def _acts_in(network: Any, scratch: Any, slot: int, width: int, rows: int) -> Any:
    """Return a slot of activations."""
    size = scratch.acts.itemsize
    return Acts(
        scratch.acts.ctypes.data + slot * scratch.most * network.plan[layout.SLOT] * size,
        scratch.factors.ctypes.data + 4 * slot * scratch.most,
        width * size // 4,
        rows,
    )


@inlined
def _into(scratch: Any, numbers: Any, gates: int, gate: int) -> Any:
    """Return the addresses of one gate's sums in every row."""
    return Into(scratch.product.ctypes.data, numbers.ctypes.data + 4 * PANEL * gate, 4 * PANEL * gates)


@inlined
def _output_panel(target: Any, network: Any, state: Any, scratch: Any, rows: Any, source: int, panel: int) -> None:
    """Compute 64 logits of each row."""
    plan = network.plan
    width, outputs = plan[layout.WIDTH], plan[layout.OUTPUT]
    at = plan[layout.OUTPUT_BIAS] + panel * PANEL
    bias = network.floats[at : at + PANEL]
    into = scratch.ahead
    for place in range(len(rows)):
        for j in range(PANEL):
            into[place * PANEL + j] = bias[j]
    weights = plan[layout.OUTPUT_WEIGHTS] + panel * PANEL * width
    line = plan[layout.OUTPUT_ROWS] + panel * PANEL
    add_product(
        target,
        _panel_at(network, weights, line),
        _acts_in(network, scratch, source, width, len(rows)),
        _into(scratch, into, 1, 0),
    )
    for place in range(len(rows)):
        to = rows[place] * outputs + panel * PANEL
        logits, sums = state.logits[to : to + PANEL], into[place * PANEL : (place + 1) * PANEL]
        for j in range(PANEL):
            logits[j] = sums[j]
