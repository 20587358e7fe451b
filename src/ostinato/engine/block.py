"""A kernel's argument block: 64-bit words with the address and length of every array, then scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Every array a kernel may ask for, with its type; "weights", "acts" and "product" depend on the precision.
ARRAYS = {
    # The network
    "weights": "weights",
    "sums": "int32",
    "scales": "float32",
    "floats": "float32",
    "plan": "int64",
    # What is carried, by state row
    "hidden": "float32",  # [L, R, H]
    "cell": "float32",  # [L, R, H]
    "logits": "float32",  # [R, OUTPUT]
    # Clamps
    "clamp_modes": "uint8",  # [2, L, H]; empty where nothing is held
    "clamp_values": "float32",
    "clamp_spans": "int64",  # [2, L, H, 2]
    "clock": "int64",  # how many symbols each state row has read
    "row_units": "int64",  # of a sweep: the unit that each row holds
    "row_values": "float32",
    # A recording, by symbol of the texts
    "recorded_hidden": "float32",  # [symbols, L, H]; empty where nothing is recorded
    "recorded_cell": "float32",
    "recorded_logits": "float32",  # [symbols, OUTPUT]
    # One thread's room
    "acts": "acts",
    "factors": "float32",
    "totals": "float32",
    "product": "product",
    "ahead": "float32",
    "back": "float32",
    "work": "float64",  # [3, V]
    "order": "int64",  # [V]
    "meetings": "int64",
    # Rows
    "live": "int64",  # state rows that go on; those of a thread stand side by side
    "alive": "int64",  # how many of them, by thread
    "last": "int64",  # the symbol that each row reads next
    "ids": "int64",  # texts to read, one after another
    "offsets": "int64",  # where each begins, [R + 1]
    "seeds": "uint64",
    "endings": "int64",
    "made": "int64",  # how many symbols each row has
    "kept": "float64",
    "ring": "int64",  # the last symbols of each row, [R, window]
    "counts": "int64",  # how often each symbol stands there, [R, V]
    # Rules
    "rules": "int64",
    "numbers": "float64",
    "facts": "int64",
    "next": "int32",
    "accepts": "uint8",
    "fewest": "int64",
    "known": "uint8",
    "states": "int64",
    "stop_next": "int32",  # of the automaton that finds stop strings, [S, V]; empty where there are none
    "stop_found": "uint8",
    "stop_states": "int64",
    # Results
    "symbols": "int32",  # [R, steps]
    "log_probs": "float64",  # [R, steps]
    # A beam
    "beam": "int64",  # its facts, see ``ostinato.engine.beamfacts``
    "power": "float64",  # of length normalisation, [1]
    "scores": "float64",  # of each row, [K]
    "totals_of_rows": "float64",  # the same after the rules, [K]
    "taken_off": "float64",  # what turns a logit into a log-probability, [K]
    "kept_now": "float64",  # what the constraint keeps at this step, [K]
    "over": "int64",  # how each row ends now, [K]
    "best": "float64",  # ranks of the best that have ended, best first, [n-best]
    "keys": "float64",  # the best continuations, [2 K]
    "candidates": "int64",  # row * V + symbol of each
    "parents": "int32",  # [steps, K]
    "going": "int64",  # how many rows go on, [steps]
    "ended": "int64",  # step, row, symbol, ending of what has ended, [.., 4]
    "ended_numbers": "float64",  # score, rank, kept, [.., 3]
    "other_hidden": "float32",  # where states go when rows change places
    "other_cell": "float32",
    # A layer over sequences, in training
    "gates": "acts",  # [B, T, G H]
    "outputs": "acts",  # [B, T + 1, H]
    "cells": "float32",  # [B, T + 1, H]
    "backs": "acts",  # of a GRU, what the reset gate multiplies, [B, T, H]
    "bias": "float32",  # of a GRU's candidate, [H]
    "d_outputs": "acts",  # [B, T, H]
    "d_states": "float32",  # gradient of the cells, [B, T, H]
    "d_cells": "float32",  # of one thread's rows, [rows, H]
    "d_gates": "acts",  # [B, T, G H]
    "d_backs": "acts",  # of a GRU, of what comes from before
    "d_bias": "float32",  # one thread's sums of d_gates, [G H], and of a GRU's candidate from before, [H]
    # A model of counts
    "context_keys": "int64",
    "context_heads": "int32",  # nothing, the only symbol, or the first node
    "context_totals": "int32",  # how many symbols were counted there
    "context_types": "int32",  # how many different ones
    "node_symbols": "int32",
    "node_counts": "int32",
    "node_next": "int32",
    "tally": "int64",  # how many contexts and nodes there are
    "slots": "int64",  # of the contexts before a place, with their keys, [K + 1, 2]
    "discounts": "float64",  # [K + 1]
    "old_keys": "int64",  # the table, when it grows
    "old_heads": "int32",
    "old_totals": "int32",
    "old_types": "int32",
    # A beam, when rows change places
    "row_numbers": "float64",  # room for numbers that change places, [2, K]
    "row_states": "int64",  # [2, K]
    "other_ring": "int64",
    "other_counts": "int64",
}
PLACES = {name: place for place, name in enumerate(ARRAYS)}

#: Numbers that a kernel is handed besides.
SCALARS = (
    "most",  # rows for which there is room in the scratch
    "member",  # which member of its team a thread is
    "team",  # how many there are
    "part",  # which part of the rows, where they are shared out
    "first_row",
    "rows",
    "first_step",
    "steps",
    "kind",  # of a scan: which core (``ostinato.engine.layout``)
    "width",  # of a scan: H
    "first_unit",  # of a scan: which units
    "units",
    "steps_now",  # of a scan: how many steps a call does
    "is_transposed",  # of weights that are laid out for a scan
    "count",  # of products alone: steps of k; of a model of counts: its order
    "end",  # of a model of counts: the symbol that ends an item; -1 is none
)
SCALAR_PLACES = {name: 2 * len(ARRAYS) + place for place, name in enumerate(SCALARS)}
_DEPENDING = {
    "int8": {"weights": "int8", "acts": "uint8", "product": "int32"},
    "fp32": {"weights": "float32", "acts": "float32", "product": "float32"},
    "bf16": {"weights": "uint16", "acts": "uint16", "product": "float32"},  # the bits of bfloat16
}


def dtype_of(name: str, precision: str) -> str:
    """Return the type of an array's numbers."""
    kind = ARRAYS[name]
    return _DEPENDING[precision].get(kind, kind)


def fill_block(arrays: Mapping[str, NDArray[Any]], scalars: Mapping[str, int], precision: str) -> NDArray[np.int64]:
    """Return the argument block for some arrays, which have to outlive the call; all other arrays are empty."""
    block = np.zeros(2 * len(ARRAYS) + len(SCALARS), dtype=np.int64)
    for name, array in arrays.items():
        assert array.dtype == dtype_of(name, precision), f"{name} is {array.dtype}"
        assert array.flags.c_contiguous, name
        block[2 * PLACES[name]], block[2 * PLACES[name] + 1] = array.ctypes.data, array.size
    for name, value in scalars.items():
        block[SCALAR_PLACES[name]] = value
    return block


def block_of(arrays: Sequence[NDArray[Any]], scalars: Sequence[int] = ()) -> NDArray[np.int64]:
    """Return an argument block of a layout of its own: address and length of each array, in order, then scalars.

    The arrays have to outlive the call; ``ostinato.engine.compiled.target.numbers_at`` gives them to compiled code.
    """
    assert all(array.flags.c_contiguous for array in arrays)
    words = [word for array in arrays for word in (array.ctypes.data, array.size)]
    return np.array([*words, *scalars], dtype=np.int64)
