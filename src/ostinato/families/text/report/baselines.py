"""Baselines for a loss: a compressor, prediction by partial matching, and counts, on the same held-out text."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np

from ostinato.codecs import Codec
from ostinato.data import Encoded, cache_folder
from ostinato.engine.counting import CountModel
from ostinato.engine.kernels import Compiling
from ostinato.errors import EngineError
from ostinato.families.report import Figure

#: Of a longer training text only the end is given to them.
MOST = 2**21  # symbols
_ORDER, _PPM_ORDER = 5, 6
_PPM_MEMORY = 2**26  # bytes
_Size: TypeAlias = Callable[[bytes], int]


def measure_baselines(
    codec: Codec, train: Encoded, valid: Encoded, *, compiling: Compiling | None = None
) -> list[Figure]:
    """Measure the baselines that a network should beat, in bits per symbol.

    All of them keep learning from the held-out text as they read it; a network under a static protocol does not.

    Args:
        codec: Codec of the texts.
        train: The training texts.
        valid: The held-out texts.
        compiling: Called with what is about to be compiled.
    """
    known = train.last(MOST)
    before, after = (_bytes(codec, text) for text in (known, valid))
    symbols = len(valid.ids)
    baselines = [
        _baseline("xz", _added_bits(lambda data: len(lzma.compress(data)), before, after) / symbols),
        _baseline(f"PPMd of order {_PPM_ORDER}", _added_bits(_ppm, before, after) / symbols),
    ]
    try:
        counts = CountModel(codec.size, order=_ORDER, end=codec.end, folder=cache_folder(), compiling=compiling)
    except EngineError:
        return baselines
    counts.learn(known.ids)
    nats = 0.0
    at_once = max(1, MOST // codec.size)
    for start in range(0, symbols, at_once):
        ids = valid.ids[start : start + at_once].astype(np.int64)
        nats -= float(counts.log_probs(ids)[np.arange(len(ids)), ids].sum())
    return [*baselines, _baseline(f"counts of order {_ORDER}", nats / np.log(2) / symbols)]


def _baseline(name: str, bits_per_symbol: float) -> Figure:
    return Figure(name, bits_per_symbol, note="keeps learning while it reads", is_own=False)


def _bytes(codec: Codec, texts: Encoded) -> bytes:
    """Return the texts in UTF-8, each item on a line of its own."""
    pieces = [*codec.pieces]
    if codec.end is not None:
        pieces[codec.end] = b"\n"
    return b"".join(pieces[i] for i in texts.ids.tolist())


def _added_bits(size: _Size, before: bytes, after: bytes) -> float:
    """Return the number of bits that a text adds to the compressed text before it."""
    with ThreadPoolExecutor(2) as pool:  # compressors let other threads run
        whole, part = pool.map(size, (before + after, before))
    return 8.0 * (whole - part)


def _ppm(data: bytes) -> int:
    import pyppmd  # only here

    return len(pyppmd.compress(data, max_order=_PPM_ORDER, mem_size=_PPM_MEMORY))
