"""Small matrix products as LLVM instructions: some rows of activations times 64 columns of weights.

Weights lie as [k][64 columns][4 bytes]: four int8 of one column, or one float32. So a step of k is 256 bytes,
and a row of activations gives 4 bytes to it, four uint8 or one float32. Each accumulator is summed in the order
of k, however many rows go together: the same bits for one row and for many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ostinato.engine.compiled.options import instructions
from ostinato.engine.layout import PANEL

_STEP = 256  # bytes of weights for one step of k
_I8, _I16, _I32, _I64, _F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()

Values = Sequence[Any]


class _Shape(NamedTuple):
    """Division of a tile into loops that fit the registers."""

    lanes: int  # 32-bit numbers of a vector
    registers: int  # accumulators of one loop
    narrowest: int = 1  # vectors of weights for several rows: with fewer, more time goes into loads than into products


_SHAPES = {
    "avx512-vnni": _Shape(16, 16),
    "avx-vnni": _Shape(8, 8),
    "avx2": _Shape(8, 4),  # each takes two registers
    "neon-dot": _Shape(4, 16),
    "portable": _Shape(16, 4),
}
_FLOATS = {**_SHAPES, **dict.fromkeys(("avx-vnni", "avx2"), _Shape(8, 12, 3))}


@instructions
def tile(typing: Any, target: Any, rows: Any, weights: Any, x: Any, count: Any, start: Any, out: Any) -> Any:
    """Multiply ``rows`` contiguous rows (a literal) with 64 columns; arrays are given by their addresses.

    Args:
        target: Instructions and precision.
        rows: Number of rows, 1 to 8.
        weights: Weights of the 64 columns.
        x: Activations of the first row: uint8 that stand for q + 128, or float32.
        count: Steps of k, at least 1.
        start: Initial sums, 64 int32 (-128 times each column's sum); float32 sums begin at 0.
        out: Products, [rows, 64] int32 or float32.
    """
    del typing
    signature = types.void(target, rows, *[types.int64] * 5)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Values) -> Any:
        write_tile(builder, target.instructions, target.precision, rows.literal_value, arguments[2:])
        return context.get_dummy_value()

    return signature, generate


def write_tile(builder: ir.IRBuilder, instructions: str, precision: str, rows: int, addresses: Values) -> None:
    """Write the instructions of a tile; addresses of weights, x, count, start and out as of ``tile``."""
    shape = (_SHAPES if precision == "int8" else _FLOATS)[instructions]
    work = _Work(builder, instructions, precision, shape.lanes, *addresses)
    vectors = PANEL // shape.lanes
    wide = max(shape.narrowest, min(vectors, shape.registers // rows))
    high = min(rows, shape.registers // wide)
    for vector in range(0, vectors, wide):
        for row in range(0, rows, high):
            work.loop(range(row, min(row + high, rows)), range(vector, min(vector + wide, vectors)))


class _Work:
    """Writes the loops of one tile."""

    def __init__(self, builder: ir.IRBuilder, target: str, precision: str, lanes: int, *addresses: ir.Value) -> None:
        self._exact = exact = precision == "int8"
        self._builder, self._target, self._lanes = builder, target, lanes
        self._weights, self._x, self._count, self._start, self._out = addresses
        self._x_step = builder.mul(self._count, _I64(4))
        self._vector = ir.VectorType(_I32 if exact else _F32, lanes)
        self._dot: Callable[[ir.Value, ir.Value, ir.Value], ir.Value]
        self._dot = {"avx2": self._pairs, "neon-dot": self._signed, "portable": self._spelled}.get(target, self._vnni)
        if precision == "fp32":
            self._dot = self._fused
        elif precision == "bf16":
            self._dot = self._short

    def loop(self, rows: range, vectors: range) -> None:
        """Sum some rows and vectors of columns over all k, and store the sums."""
        builder, entry = self._builder, self._builder.block
        first = [[self._begin(vector) for vector in vectors] for _ in rows]
        entry = builder.block
        body, after = builder.append_basic_block("sum"), builder.append_basic_block("summed")
        builder.branch(body)
        builder.position_at_end(body)
        k = builder.phi(_I64)
        k.add_incoming(_I64(0), entry)
        sums = [[builder.phi(value.type) for value in line] for line in first]
        weights = [self._load_weights(k, vector) for vector in vectors]
        for row, line, begin in zip(rows, sums, first, strict=True):
            x = self._load_x(row, k)
            for place, (total, value) in enumerate(zip(line, begin, strict=True)):
                total.add_incoming(value, entry)
                line[place] = self._dot(total, x, weights[place])
                total.add_incoming(line[place], body)
        following = builder.add(k, _I64(1))
        k.add_incoming(following, body)
        builder.cbranch(builder.icmp_signed("<", following, self._count), body, after)
        builder.position_at_end(after)
        for row, line in zip(rows, sums, strict=True):
            for vector, value in zip(vectors, line, strict=True):
                offset = row * PANEL * 4 + vector * self._lanes * 4
                builder.store(self._end(value), self._pointer(self._out, offset, self._vector), align=4)

    def _begin(self, vector: int) -> ir.Value:
        if not self._exact:
            return ir.Constant(self._vector, [0.0] * self._lanes)
        start = self._builder.load(self._pointer(self._start, vector * self._lanes * 4, self._vector), align=4)
        if self._target == "neon-dot":  # sums q itself
            return ir.Constant(self._vector, [0] * self._lanes)
        if self._target == "avx2":
            return self._spread(start)
        return start

    def _end(self, value: ir.Value) -> ir.Value:
        if not (self._exact and self._target == "avx2"):
            return value
        return self._builder.add(self._picked(value, range(0, 16, 2)), self._picked(value, range(1, 16, 2)))

    def _load_weights(self, k: ir.Value, vector: int) -> ir.Value:
        at = self._builder.add(self._weights, self._builder.mul(k, _I64(_STEP)))
        type_ = ir.VectorType(_I8, 4 * self._lanes) if self._exact else self._vector
        return self._builder.load(self._pointer(at, vector * self._lanes * 4, type_), align=4)

    def _load_x(self, row: int, k: ir.Value) -> ir.Value:
        """Load one row's 4 bytes into every lane."""
        builder = self._builder
        at = builder.add(self._x, builder.mul(self._x_step, _I64(row)))
        at = builder.add(at, builder.mul(k, _I64(4)))
        element = _I32 if self._exact else _F32
        one = builder.load(self._pointer(at, 0, element), align=4)
        vector = ir.VectorType(element, self._lanes)
        nothing = ir.Constant(vector, ir.Undefined)
        single = builder.insert_element(nothing, one, _I32(0))
        every = builder.shuffle_vector(
            single, nothing, ir.Constant(ir.VectorType(_I32, self._lanes), [0] * self._lanes)
        )
        return builder.bitcast(every, ir.VectorType(_I8, 4 * self._lanes)) if self._exact else every

    def _fused(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        return self._declared(f"llvm.fma.v{self._lanes}f32", total.type, [x, weights, total])

    def _short(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        """Add two products of bfloat16 to each column."""
        vector = ir.VectorType(_I32, self._lanes)
        pairs = [self._builder.bitcast(value, vector) for value in (x, weights)]
        name = f"llvm.x86.avx512bf16.dpbf16ps.{self._lanes * 32}"
        return self._declared(name, total.type, [total, *pairs])

    def _vnni(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        name = f"llvm.x86.avx512.vpdpbusd.{self._lanes * 32}"
        return self._declared(name, total.type, [total, x, weights])

    def _signed(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        turned = self._builder.xor(x, ir.Constant(x.type, [128] * x.type.count))  # q + 128 to q
        return self._declared("llvm.aarch64.neon.sdot.v4i32.v16i8", total.type, [total, turned, weights])

    def _pairs(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        """Add products of 16-bit numbers, which cannot saturate as 8-bit ones would; two sums for each column."""
        builder, wide = self._builder, ir.VectorType(_I16, 16)
        halves = []
        for half in range(2):
            lanes = range(16 * half, 16 * half + 16)
            w = builder.sext(self._picked(weights, lanes), wide)
            a = builder.zext(self._picked(x, lanes), wide)
            halves.append(self._declared("llvm.x86.avx2.pmadd.wd", ir.VectorType(_I32, 8), [a, w]))
        joined = builder.shuffle_vector(*halves, ir.Constant(ir.VectorType(_I32, 16), list(range(16))))
        return builder.add(total, joined)

    def _spelled(self, total: ir.Value, x: ir.Value, weights: ir.Value) -> ir.Value:
        """Add the products with instructions that every processor has."""
        builder = self._builder
        wide = ir.VectorType(_I32, x.type.count)
        products = builder.mul(builder.zext(x, wide), builder.sext(weights, wide))
        for place in range(4):
            total = builder.add(total, self._picked(products, range(place, x.type.count, 4)))
        return total

    def _spread(self, value: ir.Value) -> ir.Value:
        """Return each lane followed by a zero."""
        zeros = ir.Constant(value.type, [0] * self._lanes)
        order = [lane for pair in zip(range(8), range(8, 16), strict=True) for lane in pair]
        return self._builder.shuffle_vector(value, zeros, ir.Constant(ir.VectorType(_I32, 16), order))

    def _picked(self, value: ir.Value, lanes: Sequence[int]) -> ir.Value:
        order = ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes))
        return self._builder.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), order)

    def _pointer(self, address: ir.Value, offset: int, type_: ir.Type) -> ir.Value:
        return self._builder.inttoptr(self._builder.add(address, _I64(offset)), type_.as_pointer())

    def _declared(self, name: str, result: ir.Type, arguments: Values) -> ir.Value:
        type_ = ir.FunctionType(result, [value.type for value in arguments])
        return self._builder.call(cgutils.get_or_insert_function(self._builder.module, type_, name), arguments)
