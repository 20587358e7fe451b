"""Units of loss: nats inside, bits and perplexity outside."""

from __future__ import annotations

import math

_LARGEST = 700.0  # nats; the exponential of more does not fit a float


def bits(nats: float) -> float:
    """Turn nats into bits."""
    return nats / math.log(2)


def perplexity(nats_per_symbol: float) -> float:
    """Return the exponential of a mean loss: between how many equally probable symbols the model wavers."""
    return math.exp(nats_per_symbol) if nats_per_symbol < _LARGEST else math.inf
