"""Numbers as they are stored: float32, or bfloat16 as its 16 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types

from ostinato.engine.compiled.options import instructions

_I16, _I32, _F32 = ir.IntType(16), ir.IntType(32), ir.FloatType()
_ROUNDS_UP = 0x7FFF  # half of the last place that is kept, less one


@instructions
def number(typing: Any, stored: Any) -> Any:
    """Return the float32 that is stored."""
    del typing

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        if stored == types.float32:
            return arguments[0]
        return builder.bitcast(builder.shl(builder.zext(arguments[0], _I32), _I32(16)), _F32)

    return types.float32(stored), generate


@instructions
def as_stored(typing: Any, array: Any, value: Any) -> Any:
    """Return a float32 as an array stores it: the nearest bfloat16, ties to even."""
    del typing, value

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        if array.dtype == types.float32:
            return arguments[1]
        bits = builder.bitcast(arguments[1], _I32)
        is_odd = builder.and_(builder.lshr(bits, _I32(16)), _I32(1))
        up = builder.add(builder.add(bits, _I32(_ROUNDS_UP)), is_odd)
        return builder.trunc(builder.lshr(up, _I32(16)), _I16)

    return array.dtype(array, types.float32), generate
