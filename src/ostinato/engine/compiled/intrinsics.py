"""Single instructions that Python has no word for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ostinato.engine.compiled.options import instructions

_I32, _I64 = ir.IntType(32), ir.IntType(64)


@instructions
def power_of_two(typing: Any, number: Any) -> Any:
    """Return 2^n from a float32 1.5 * 2^23 + n, or a float64 1.5 * 2^52 + n: n stands in its last bits."""
    del typing
    bits, place, bias = (_I32, 23, 127) if number == types.float32 else (_I64, 52, 1023)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        (value,) = arguments
        exponent = builder.shl(builder.bitcast(value, bits), bits(place))
        return builder.bitcast(builder.add(exponent, bits(bias << place)), value.type)

    return number(number), generate


@instructions
def between(typing: Any, number: Any, low: Any, high: Any) -> Any:
    """Return a number, or the bound that it is beyond; NaN stays NaN. Python's own would be branches."""
    del typing, low, high

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        value, least, most = arguments
        value = builder.select(builder.fcmp_unordered(">", value, least), value, least)
        return builder.select(builder.fcmp_unordered("<", value, most), value, most)

    return number(number, number, number), generate


@instructions
def rounded(typing: Any, number: Any) -> Any:
    """Return n from a float32 1.5 * 2^23 + n, as int32."""
    del typing

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        return builder.sub(builder.bitcast(arguments[0], _I32), _I32(0x4B400000))

    return types.int32(number), generate


@instructions
def add_atomically(typing: Any, address: Any, value: Any) -> Any:
    """Add to an int64 that other threads add to; return what it was."""
    del typing, address, value

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        place = builder.inttoptr(arguments[0], _I64.as_pointer())
        return builder.atomic_rmw("add", place, arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@instructions
def load_atomically(typing: Any, address: Any) -> Any:
    """Read an int64 that other threads write."""
    del typing, address

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        place = builder.inttoptr(arguments[0], _I64.as_pointer())
        return builder.load_atomic(place, "acquire", 8)

    return types.int64(types.int64), generate


@instructions
def call_address(typing: Any, address: Any) -> Any:
    """Call a function without arguments, such as the system's own "let others run"."""
    del typing, address

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        type_ = ir.FunctionType(ir.VoidType(), [])
        builder.call(builder.inttoptr(arguments[0], type_.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@instructions
def pause(typing: Any) -> Any:
    """Wait for a few cycles."""
    del typing

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        machine = builder.module.triple.partition("-")[0]
        if machine.startswith(("x86", "i686")):
            type_ = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, type_, "llvm.x86.sse2.pause"), [])
        elif machine.startswith(("aarch64", "arm64")):
            type_ = ir.FunctionType(ir.VoidType(), [_I32])
            builder.call(cgutils.get_or_insert_function(builder.module, type_, "llvm.aarch64.hint"), [_I32(1)])
        return context.get_dummy_value()

    return types.void(), generate
