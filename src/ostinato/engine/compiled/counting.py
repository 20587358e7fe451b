"""A model of counts: the symbols that have followed each context of 0 to K symbols, and predictions from them.

A context is found by its hash, in a table of open addresses. Most contexts have been followed by one symbol only: that
stands in the table itself, and a list of nodes begins when there is a second.
"""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

from ostinato.engine.block import SCALAR_PLACES
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.target import array_of

_STEPS, _WIDTH = SCALAR_PLACES["steps"], SCALAR_PLACES["width"]
_COUNT, _END = SCALAR_PLACES["count"], SCALAR_PLACES["end"]
_EMPTY = -1  # a head; below it stands a single symbol, from it on the first node
CONTEXTS, NODES = 0, 1  # places in "tally"
_MIX = 0x2545F4914F6CDD1D
_POSITIVE = 0x7FFFFFFFFFFFFFFF  # products are modulo 2^64 and signed, and a shift would copy the sign

Counts = namedtuple("Counts", ["keys", "heads", "totals", "types", "symbols", "counts", "next", "tally"])


@compiled
def count(target: Any, block: Any) -> None:
    """Read ``steps`` symbols of ``ids`` after the first ``count``, which is the order K; learn each.

    The symbol V, ``width``, stands for nothing before a text, and what lies before a symbol ``end`` is nothing too.
    Where ``log_probs`` has room, the log-probability of every symbol at each place is written there before, [steps, V].
    """
    table = _table_of(target, block)
    ids, slots = array_of(target, block, "ids"), array_of(target, block, "slots")
    discounts, work = array_of(target, block, "discounts"), array_of(target, block, "work")
    log_probs = array_of(target, block, "log_probs")
    order, symbols = block[_COUNT], block[_WIDTH]
    for step in range(block[_STEPS]):
        at = order + step
        _find_all(table, ids, at, order, symbols, block[_END], slots)
        if len(log_probs) > 0:
            _predict(table, slots, order, discounts, work[:symbols])
            for other in range(symbols):
                log_probs[step * symbols + other] = math.log(work[other])
        _learn(table, slots, order, ids[at])


@compiled
def move_contexts(target: Any, block: Any) -> None:
    """Put every context of a table into a larger one: from the ``old_`` arrays."""
    table = _table_of(target, block)
    keys, heads = array_of(target, block, "old_keys"), array_of(target, block, "old_heads")
    totals, types = array_of(target, block, "old_totals"), array_of(target, block, "old_types")
    for place in range(len(keys)):
        if heads[place] != _EMPTY:
            slot = _home(table, keys[place])
            while table.heads[slot] != _EMPTY:
                slot = (slot + 1) & (len(table.keys) - 1)
            table.keys[slot], table.heads[slot] = keys[place], heads[place]
            table.totals[slot], table.types[slot] = totals[place], types[place]


@compiled
def _table_of(target: Any, block: Any) -> Any:
    return Counts(
        array_of(target, block, "context_keys"),
        array_of(target, block, "context_heads"),
        array_of(target, block, "context_totals"),
        array_of(target, block, "context_types"),
        array_of(target, block, "node_symbols"),
        array_of(target, block, "node_counts"),
        array_of(target, block, "node_next"),
        array_of(target, block, "tally"),
    )


@compiled
def _home(table: Any, key: int) -> int:
    """Return the first slot to search for a context with this key, 63 bits."""
    return (key ^ (key >> 29)) & (len(table.keys) - 1)


@compiled
def _find_all(table: Any, ids: Any, at: int, order: int, nothing: int, end: int, slots: Any) -> None:
    """Find the slot of each context before a place, of length 0 to K; where it is not known, the slot it would have."""
    key, begun = 0, False
    for length in range(order + 1):
        if length > 0:
            before = ids[at - length]
            begun = begun or before == end
            key = ((key ^ ((nothing if begun else before) + 1)) * _MIX) & _POSITIVE
            key ^= key >> 31
        own = key ^ length
        slot = _home(table, own)
        while table.heads[slot] != _EMPTY and table.keys[slot] != own:
            slot = (slot + 1) & (len(table.keys) - 1)
        # Two contexts that are new may have found one slot; the shorter one then moves on when it is learned.
        slots[2 * length], slots[2 * length + 1] = slot, own


@compiled
def _predict(table: Any, slots: Any, order: int, discounts: Any, found: Any) -> None:
    """Fill in the probabilities: each context's discounted counts, and the rest as the shorter one predicts."""
    for symbol in range(len(found)):
        found[symbol] = 1.0 / len(found)
    for length in range(order + 1):
        slot = slots[2 * length]
        head = table.heads[slot]
        if head == _EMPTY:
            return
        total, discount = float(table.totals[slot]), discounts[length]
        back = discount * table.types[slot] / total
        for symbol in range(len(found)):
            found[symbol] *= back
        if head < _EMPTY:
            found[_EMPTY - 1 - head] += (total - discount) / total
        else:
            node = head
            while node != _EMPTY:
                found[table.symbols[node]] += (table.counts[node] - discount) / total
                node = table.next[node]


@compiled
def _learn(table: Any, slots: Any, order: int, symbol: int) -> None:
    """Count a symbol after each context, from the longest to the first that has seen it before."""
    for place in range(order + 1):
        length = order - place
        slot = slots[2 * length]
        while table.heads[slot] != _EMPTY and table.keys[slot] != slots[2 * length + 1]:
            slot = (slot + 1) & (len(table.keys) - 1)
        if _note(table, slot, slots[2 * length + 1], symbol):
            return


@compiled
def _note(table: Any, slot: int, key: int, symbol: int) -> bool:
    """Count a symbol after one context; return whether it had been seen there."""
    head = table.heads[slot]
    if head == _EMPTY:
        table.keys[slot], table.heads[slot] = key, _EMPTY - 1 - symbol
        table.totals[slot], table.types[slot] = 1, 1
        table.tally[CONTEXTS] += 1
        return False
    if head < _EMPTY:
        single = _EMPTY - 1 - head
        if single == symbol:
            table.totals[slot] += 1
            return True
        head = _add_node(table, single, table.totals[slot], _EMPTY)
    table.totals[slot] += 1
    node = head
    while node != _EMPTY and table.symbols[node] != symbol:
        node = table.next[node]
    if node != _EMPTY:
        table.counts[node] += 1
        return True
    table.heads[slot] = _add_node(table, symbol, 1, head)
    table.types[slot] += 1
    return False


@compiled
def _add_node(table: Any, symbol: int, times: int, following: int) -> int:
    node = table.tally[NODES]
    table.symbols[node], table.counts[node], table.next[node] = symbol, times, following
    table.tally[NODES] = node + 1
    return node
