"""Units of loss: nats inside, bits and perplexity outside."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

Bound: TypeAlias = Literal["exact", "lower", "estimate"]
"""What a log-probability is: the probability itself, a lower bound of it, or an estimate."""

_LARGEST = 700.0  # nats; the exponential of more does not fit a float


_BOUNDS: dict[Bound, str] = {"exact": "exact", "lower": "a lower bound", "estimate": "an estimate"}


def describe_bound(bound: Bound) -> str:
    """Return what a log-probability is, in words."""
    return _BOUNDS[bound]


def bits(nats: float) -> float:
    """Turn nats into bits."""
    return nats / math.log(2)


def perplexity(nats_per_symbol: float) -> float:
    """Return the exponential of a mean loss: between how many equally probable symbols the model wavers."""
    return math.exp(nats_per_symbol) if nats_per_symbol < _LARGEST else math.inf
