"""Packing a language model's weights into the flat arrays that compiled code reads: int8 with scales, or float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import layout
from ostinato.engine.layout import PANEL
from ostinato.errors import DamagedError

Precision: TypeAlias = Literal["int8", "fp32"]
PRECISIONS: tuple[Precision, ...] = ("int8", "fp32")
_KINDS = {
    "elman": layout.ELMAN_TANH,
    "elman-relu": layout.ELMAN_RELU,
    "gru": layout.GRU,
    "lstm": layout.LSTM,
    "capped-lstm": layout.CAPPED_LSTM,
}
_GATES = {"elman": 1, "elman-relu": 1, "gru": 3, "lstm": 4, "capped-lstm": 4}
_LARGEST_TABLE = 2**22  # numbers; a larger table of the first layer would cost more memory than it saves time
_ALIGNED = 64
_LEVELS = 127  # on each side of zero


@dataclass(frozen=True)
class PackedModel:
    """A language model in flat arrays.

    Attributes:
        precision: Precision of the weights.
        core: Name of the core.
        layers: Number of layers.
        hidden_size: Width H.
        symbols: Number of symbols V; id V is the begin symbol, an input only.
        weights: int8, or float32.
        sums: -128 times the sum of each row of weights, int32: activations are stored with 128 added.
        scales: Factor of each row's integer sum, float32; 1 where weights are float32.
        floats: Table or embedding, and biases, float32.
        plan: Places of all parts in these arrays (``ostinato.engine.layout``).
    """

    precision: Precision
    core: str
    layers: int
    hidden_size: int
    symbols: int
    weights: NDArray[Any]
    sums: NDArray[np.int32]
    scales: NDArray[np.float32]
    floats: NDArray[np.float32]
    plan: NDArray[np.int64]

    @property
    def bytes_of_a_step(self) -> int:
        """Bytes of weights that a step reads."""
        return int(self.weights.nbytes)


def can_pack(core: str) -> bool:
    """Return whether a model with this core can be packed."""
    return core in _KINDS


def pack(
    weights: Mapping[str, NDArray[np.float32]],
    *,
    core: str,
    layers: int,
    symbols: int,
    residual: bool = False,
    tied: bool = False,
    precision: Precision = "int8",
) -> PackedModel:
    """Pack the weights of a language model.

    Args:
        weights: Weights by the names of ``LanguageModel``'s parameters.
        core: A core for which ``can_pack``.
        layers: Number of layers.
        symbols: Number of symbols V.
        residual: Whether layers from the second on add to their input.
        tied: Whether the output layer's weights are the embedding's.
        precision: ``"int8"``: each row of weights is w = scale * q with q from -127 to 127; ``"fp32"``: as they are.

    Raises:
        DamagedError: Some weight is no finite number.
    """
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise DamagedError(f"the model is damaged: {name} has numbers that are not finite; train it anew")
    packing = _Packing(weights, core, layers, symbols, precision)
    packing.inputs()
    for layer in range(layers):
        packing.layer(layer, residual=residual)
    packing.output(weights["embedding.weight"][:symbols] if tied else weights["head.weight"], weights["head.bias"])
    return packing.done(residual=residual)


class _Packing:
    """Collector of the arrays."""

    def __init__(
        self, given: Mapping[str, NDArray[np.float32]], core: str, layers: int, symbols: int, precision: Precision
    ) -> None:
        self._given, self._core, self._precision, self._symbols = given, core, precision, symbols
        self._gates = _GATES[core]
        self._hidden_size = given["core.layers.0.weight_hh"].shape[1]
        self._width = _filled(self._hidden_size)
        self._weights: list[NDArray[Any]] = []
        self._scales: list[NDArray[np.float32]] = []
        self._sums: list[NDArray[np.int32]] = []
        self._floats: list[NDArray[np.float32]] = []
        self.plan = np.full(layout.HEAD + layers * layout.LAYER, -1, dtype=np.int64)

    def inputs(self) -> None:
        """Add the first layer's table: its weights times every embedded symbol, biases included.

        Where the table would be too large, add the embedding instead.
        """
        embedding = self._given["embedding.weight"]
        if len(embedding) * self._gates * self._width <= _LARGEST_TABLE:
            weight, bias = self._given["core.layers.0.weight_ih"], self._given["core.layers.0.bias"]
            table = (embedding.astype(np.float64) @ weight.T.astype(np.float64) + bias).astype(np.float32)
            self.plan[layout.TABLE] = self._add_floats(np.moveaxis(self._by_block(table.T), 3, 0))
            self.plan[layout.EMBEDDING_WIDTH] = 0
        else:
            self.plan[layout.EMBEDDING_WIDTH] = width = _filled(embedding.shape[1])
            filled = np.zeros((len(embedding), width), dtype=np.float32)
            filled[:, : embedding.shape[1]] = embedding
            self.plan[layout.EMBEDDING] = self._add_floats(filled)

    def layer(self, layer: int, *, residual: bool) -> None:
        """Add one layer's weights and biases."""
        name = f"core.layers.{layer}"
        block = self.plan[layout.HEAD + layer * layout.LAYER :]
        folded = layer == 0 and self.plan[layout.TABLE] >= 0
        block[layout.WEIGHTS] = sum(map(len, self._weights))
        block[layout.ROWS] = sum(map(len, self._scales))
        recurrent = self._panels(self._given[f"{name}.weight_hh"])
        if folded:
            block[layout.INPUT] = 0
            parts = [recurrent]
        else:
            parts = [self._panels(self._given[f"{name}.weight_ih"]), recurrent]
            block[layout.INPUT] = parts[0].shape[3]
            block[layout.BIAS] = self._add_floats(self._by_block(self._given[f"{name}.bias"]))
        block[layout.SOURCE] = 0 if layer == 0 or (residual and layer > 1) else layout.FIRST_HIDDEN + layer - 1
        for number in range(recurrent.shape[0]):
            for gate in range(self._gates):
                for part in parts:
                    self._add_panel(part[number, gate])
        if self._core == "gru":
            candidate = self._given[f"{name}.candidate_bias"]
            filled = np.zeros(self._width, dtype=np.float32)
            filled[: len(candidate)] = candidate
            block[layout.CANDIDATE_BIAS] = self._add_floats(filled)

    def output(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        """Add the output layer."""
        rows = _filled(self._symbols)
        filled = np.zeros((rows, self._width), dtype=np.float32)
        filled[: weight.shape[0], : weight.shape[1]] = weight
        self.plan[layout.OUTPUT] = rows
        self.plan[layout.OUTPUT_WEIGHTS] = sum(map(len, self._weights))
        self.plan[layout.OUTPUT_ROWS] = sum(map(len, self._scales))
        for panel in filled.reshape(-1, PANEL, self._width):
            self._add_panel(panel)
        whole = np.zeros(rows, dtype=np.float32)
        whole[: len(bias)] = bias
        self.plan[layout.OUTPUT_BIAS] = self._add_floats(whole)

    def done(self, *, residual: bool) -> PackedModel:
        """Put the arrays together."""
        plan, layers = self.plan, (len(self.plan) - layout.HEAD) // layout.LAYER
        plan[layout.KIND], plan[layout.LAYERS], plan[layout.GATES] = _KINDS[self._core], layers, self._gates
        plan[layout.WIDTH], plan[layout.SYMBOLS], plan[layout.RESIDUAL] = self._width, self._symbols, residual
        plan[layout.SLOT] = max(self._width, int(plan[layout.EMBEDDING_WIDTH]))
        return PackedModel(
            self._precision,
            self._core,
            layers,
            self._hidden_size,
            self._symbols,
            _aligned(self._weights),
            _aligned(self._sums),
            _aligned(self._scales),
            _aligned(self._floats),
            plan,
        )

    def _by_block(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows [G * H, ...] as [block, gate, 64, ...], padded with zeros."""
        gates, H, rest = self._gates, self._hidden_size, rows.shape[1:]
        whole = np.zeros((gates, self._width, *rest), dtype=np.float32)
        whole[:, :H] = rows.reshape(gates, H, *rest)
        return whole.reshape(gates, -1, PANEL, *rest).swapaxes(0, 1)

    def _panels(self, weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return weights [G * H, K] as [block, gate, 64, K], K padded too."""
        filled = np.zeros((len(weight), _filled(weight.shape[1])), dtype=np.float32)
        filled[:, : weight.shape[1]] = weight
        return self._by_block(filled)

    def _add_panel(self, panel: NDArray[np.float32]) -> None:
        """Add one panel [64, K], as [K / 4, 64, 4] int8 or [K, 64] float32."""
        if self._precision == "fp32":
            self._weights.append(np.ascontiguousarray(panel.T).ravel())
            self._scales.append(np.ones(PANEL, dtype=np.float32))
            self._sums.append(np.zeros(PANEL, dtype=np.int32))
            return
        scale, levels = quantised(panel)
        self._weights.append(levels.reshape(PANEL, -1, 4).transpose(1, 0, 2).ravel())
        self._scales.append(scale)
        self._sums.append(-128 * levels.sum(axis=1, dtype=np.int32))

    def _add_floats(self, numbers: NDArray[np.float32]) -> int:
        at = sum(map(len, self._floats))
        self._floats.append(np.ascontiguousarray(numbers, dtype=np.float32).ravel())
        return at


def quantised(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return the scale of each row, [N] float32, and its numbers divided by it, [N, K] int8 from -127 to 127."""
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0, largest / _LEVELS, 1.0).astype(np.float32)
    levels = np.clip(np.rint(rows / scale[:, None]), -_LEVELS, _LEVELS)
    return scale, levels.astype(np.int8)


def _filled(size: int) -> int:
    return -(-size // PANEL) * PANEL


def _aligned(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the parts in one array that begins at a multiple of 64 bytes."""
    size, dtype = sum(map(len, parts)), parts[0].dtype
    room = np.zeros(size * dtype.itemsize + _ALIGNED, dtype=np.uint8)
    first = -room.ctypes.data % _ALIGNED
    whole = room[first : first + size * dtype.itemsize].view(dtype)
    np.concatenate(parts, out=whole)
    return whole
