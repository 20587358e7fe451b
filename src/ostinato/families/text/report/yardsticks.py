"""What a loss is held against: a compressor, prediction by partial matching, and counts, on the same held-out text."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ostinato.codecs import Codec
from ostinato.data import Encoded, cache_folder
from ostinato.engine.counting import CountModel
from ostinato.engine.kernels import Compiling
from ostinato.errors import EngineError

#: Of a longer training text only the end is given to them.
MOST = 2**21  # symbols
_ORDER, _PPM_ORDER = 5, 6
_PPM_MEMORY = 2**26  # bytes
_Size: TypeAlias = Callable[[bytes], int]


@dataclass(frozen=True)
class Yard:
    """How well something else does on the held-out text, having read the training text.

    All of them learn from the held-out text as they go through it, which a network under a static protocol does not.

    Attributes:
        name: What it is.
        bits_per_symbol: Of the held-out text.
    """

    name: str
    bits_per_symbol: float


def yards(codec: Codec, train: Encoded, valid: Encoded, *, compiling: Compiling | None = None) -> list[Yard]:
    """Measure what a network should beat.

    Args:
        codec: Of the texts.
        train: The training texts.
        valid: The held-out texts.
        compiling: Told what is being compiled.
    """
    known = train.last(MOST)
    before, after = (_bytes(codec, text) for text in (known, valid))
    symbols = len(valid.ids)
    found = [
        Yard("xz", _added_bits(lambda data: len(lzma.compress(data)), before, after) / symbols),
        Yard(f"PPMd of order {_PPM_ORDER}", _added_bits(_ppm, before, after) / symbols),
    ]
    try:
        counts = CountModel(codec.size, order=_ORDER, end=codec.end, folder=cache_folder(), compiling=compiling)
    except EngineError:
        return found
    counts.learn(known.ids)
    nats = 0.0
    at_once = max(1, MOST // codec.size)
    for start in range(0, symbols, at_once):
        ids = valid.ids[start : start + at_once].astype(np.int64)
        nats -= float(counts.log_probs(ids)[np.arange(len(ids)), ids].sum())
    return [*found, Yard(f"counts of order {_ORDER}", nats / np.log(2) / symbols)]


def _bytes(codec: Codec, texts: Encoded) -> bytes:
    """The texts in UTF-8, items on a line each."""
    pieces = [*codec.pieces]
    if codec.end is not None:
        pieces[codec.end] = b"\n"
    return b"".join(pieces[i] for i in texts.ids.tolist())


def _added_bits(size: _Size, before: bytes, after: bytes) -> float:
    """How many bits a text adds to the one before it."""
    with ThreadPoolExecutor(2) as pool:  # compressors let other threads run
        whole, part = pool.map(size, (before + after, before))
    return 8.0 * (whole - part)


def _ppm(data: bytes) -> int:
    import pyppmd  # only here

    return len(pyppmd.compress(data, max_order=_PPM_ORDER, mem_size=_PPM_MEMORY))
