"""Exponential, sigmoid and tanh in plain sums and products: LLVM makes vectors of them, and every CPU the same bits.

exp(x) = 2^n exp(r) with n the nearest integer to x / ln 2 and |r| <= ln 2 / 2, by the Taylor polynomial: of degree 7
its relative error is under 6e-9 there, less than float32 tells apart; of degree 13 it is under 5e-18, for float64.
"""

from __future__ import annotations

import math

import numpy as np

from ostinato.engine.compiled.intrinsics import between, power_of_two
from ostinato.engine.compiled.options import inlined

_F = np.float32
_MAGIC_32, _MAGIC_64 = _F(1.5 * 2**23), 1.5 * 2**52  # what is added to it is rounded to an integer
_PER_LN2_32, _PER_LN2_64 = _F(1 / math.log(2)), 1 / math.log(2)
# ln 2 in two parts: the first has so few bits that n times it is exact.
_LN2_HIGH_32 = _F(0.693359375)
_LN2_LOW_32 = _F(math.log(2) - 0.693359375)
_LN2_HIGH_64 = 0.693145751953125
_LN2_LOW_64 = 1.42860682030941723212e-6
_LOWEST_32, _HIGHEST_32 = _F(-87.0), _F(88.0)
_LOWEST_64 = -708.0
_ONE, _TWO, _HALF = _F(1.0), _F(2.0), _F(0.5)
_C3, _C4, _C5, _C6, _C7 = (_F(1 / math.factorial(n)) for n in range(3, 8))
_D = tuple(1 / math.factorial(n) for n in range(14))


@inlined
def exp32(x: np.float32) -> np.float32:
    """Return e^x; what overflows or vanishes is cut to e^88 and e^-87."""
    x = between(x, _LOWEST_32, _HIGHEST_32)
    shifted = x * _PER_LN2_32 + _MAGIC_32
    n = shifted - _MAGIC_32
    r = (x - n * _LN2_HIGH_32) - n * _LN2_LOW_32
    p = _ONE + r * (_ONE + r * (_HALF + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7))))))
    return p * power_of_two(shifted)


@inlined
def exp64(x: float) -> float:
    """Return e^x for x <= 0; 0 below -708."""
    y = between(x, _LOWEST_64, 0.0)
    shifted = y * _PER_LN2_64 + _MAGIC_64
    n = shifted - _MAGIC_64
    r = (y - n * _LN2_HIGH_64) - n * _LN2_LOW_64
    p = _D[7] + r * (_D[8] + r * (_D[9] + r * (_D[10] + r * (_D[11] + r * (_D[12] + r * _D[13])))))
    p = _D[0] + r * (_D[1] + r * (_D[2] + r * (_D[3] + r * (_D[4] + r * (_D[5] + r * (_D[6] + r * p))))))
    return 0.0 if x < _LOWEST_64 else p * power_of_two(shifted)


@inlined
def sigmoid(x: np.float32) -> np.float32:
    """Return 1 / (1 + e^-x)."""
    return _ONE / (_ONE + exp32(-x))


@inlined
def tanh(x: np.float32) -> np.float32:
    """Return the hyperbolic tangent."""
    return _ONE - _TWO / (_ONE + exp32(_TWO * x))
