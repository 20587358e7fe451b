"""A kernel's compile target, as the type of an argument that carries nothing else; and its block of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

from ostinato.engine.block import ARRAYS, dtype_of
from ostinato.engine.compiled.options import instructions


class Target(types.Opaque):
    """Numba's type of an argument that only names the compile target.

    Args:
        instructions: One of ``ostinato.engine.cpu.INSTRUCTIONS``.
        precision: One of ``ostinato.engine.packing.PRECISIONS``.
    """

    def __init__(self, instructions: str, precision: str) -> None:
        super().__init__(f"Target({instructions}, {precision})")
        self.instructions, self.precision = instructions, precision


register_model(Target)(models.OpaqueModel)


@instructions
def array_of(typing: Any, target: Any, block: Any, name: Any) -> Any:
    """Return the array of a block by its name, a literal; see ``ostinato.engine.block``."""
    del typing
    place = list(ARRAYS).index(name.literal_value)
    dtype = _type(dtype_of(name.literal_value, target.precision))
    kind = types.Array(dtype, 1, "C", aligned=True)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        words = cgutils.create_struct_proxy(block)(context, builder, value=arguments[1]).data
        address, count = (builder.load(cgutils.gep(builder, words, 2 * place + part)) for part in range(2))
        return _view(context, builder, kind, address, count)

    return kind(target, block, name), generate


@instructions
def numbers_at(typing: Any, address: Any, count: Any, dtype: Any) -> Any:
    """Return the numbers that begin at an address; their type is a literal."""
    del typing
    kind = types.Array(_type(dtype.literal_value), 1, "C", aligned=True)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        return _view(context, builder, kind, arguments[0], arguments[1])

    return kind(types.int64, types.int64, dtype), generate


@instructions
def sums_at(typing: Any, target: Any, address: Any, count: Any) -> Any:
    """Return the sums of a product that begin at an address: int32 or float32, by the target's precision."""
    del typing, address, count
    kind = types.Array(_type(dtype_of("product", target.precision)), 1, "C", aligned=True)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[Any]) -> Any:
        return _view(context, builder, kind, arguments[1], arguments[2])

    return kind(target, types.int64, types.int64), generate


def _type(name: str) -> Any:
    return from_dtype(np.dtype(name))


def _view(context: Any, builder: ir.IRBuilder, kind: Any, address: Any, count: Any) -> Any:
    array = make_array(kind)(context, builder)
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    data = builder.inttoptr(address, array.data.type)
    populate_array(array, data=data, shape=[count], strides=[size], itemsize=size, meminfo=None)
    return array._getvalue()
