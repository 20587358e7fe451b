"""Walking through rolls by compiled code: quick, and without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.engine import layout
from ostinato.engine.block import block_of, fill_block
from ostinato.engine.cpu import choose_instructions
from ostinato.engine.kernels import Compiling, Kernel, Kernels
from ostinato.engine.packing import PackedModel, Precision, pack
from ostinato.engine.state import Carried, network_arrays, scratch_arrays
from ostinato.engine.threads import meeting_place
from ostinato.families.rolls.stepping.base import Step, Stepper
from ostinato.music.rolls import Frames

_KERNEL = "ostinato.families.rolls.compiled:write_frame"
# In the order of the kernel's codes, with what they read of the core.
_HEADS = {
    "independent": ("logits",),
    "nade": ("note_bias", "hidden_bias"),
    "recurrent": ("note_bias", "note_features"),
}
_PRECISION: Precision = "fp32"
_Weights: TypeAlias = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class PackedRolls:
    """A model of rolls as compiled code reads it.

    Attributes:
        head: The head.
        notes: Number of notes N.
        time: The core along time, whose outputs are what the head is given.
        pitch: The core along pitch, of a note recurrence.
        pitch_inputs: Number of inputs of the core along pitch; 0 where there is none.
        hidden: Width K of NADE's hidden layer, or the features of a note recurrence.
        into: NADE's weights into it, the highest note first, [N, K].
        out_of: Those out of it, [K, N].
    """

    head: str
    notes: int
    time: PackedModel
    pitch: PackedModel | None
    pitch_inputs: int
    hidden: int
    into: NDArray[np.float32]
    out_of: NDArray[np.float32]


def pack_rolls(weights: _Weights, *, head: str, core: str, layers: int, notes: int) -> PackedRolls:
    """Pack the weights of a model of rolls, by the names of ``RollNetwork``'s parameters.

    Raises:
        DamagedError: Some weight is no finite number.
    """
    stack = {name: weight for name, weight in weights.items() if name.startswith("core.")}
    outputs = {
        kind: np.concatenate([weights[f"head.{part}.{kind}"] for part in _HEADS[head]]) for kind in ("weight", "bias")
    }
    time = _packed(stack, outputs, core=core, layers=layers, inputs=notes)
    none = np.zeros(1, dtype=np.float32)
    if head == "nade":
        into, out_of = weights["head.into"][::-1], weights["head.out_of"][::-1].T
        shared = (np.ascontiguousarray(into), np.ascontiguousarray(out_of))
        return PackedRolls(head, notes, time, None, 0, into.shape[1], *shared)
    if head == "independent":
        return PackedRolls(head, notes, time, None, 0, 0, none, none)
    own = {f"core.layers.0.{name[10:]}": weight for name, weight in weights.items() if name.startswith("head.core.")}
    read_out = {kind: weights[f"head.read_out.{kind}"] for kind in ("weight", "bias")}
    inputs = own["core.layers.0.weight_ih"].shape[1]
    pitch = _packed(own, read_out, core=core, layers=1, inputs=inputs)
    features = len(weights["head.note_features.bias"]) // notes
    return PackedRolls(head, notes, time, pitch, inputs, features, none, none)


def _packed(stack: _Weights, outputs: _Weights, *, core: str, layers: int, inputs: int) -> PackedModel:
    """Pack a stack whose first layer reads vectors.

    The table of the engine's first layer, which language models index with a symbol, has an entry for each input, its
    weights alone, then one with the biases. An input vector is a sum of entries.
    """
    whole = {
        **stack,
        "embedding.weight": np.eye(inputs + 1, inputs, dtype=np.float32),
        "head.weight": outputs["weight"],
        "head.bias": outputs["bias"],
    }
    packed = pack(whole, core=core, layers=layers, symbols=len(outputs["bias"]), precision=_PRECISION)
    assert packed.plan[layout.TABLE] == 0, "the table comes first"
    size = int(packed.plan[layout.GATES] * packed.plan[layout.WIDTH])
    table = packed.floats[: (inputs + 1) * size].reshape(inputs + 1, size)
    table[:-1] -= table[-1]
    return packed


class RollEngine:
    """Compiled code for a model of rolls; it runs by one thread.

    Args:
        packed: The packed model.
        folder: Folder where compiled code is kept; ``None`` keeps none.
        compiling: Called before something is compiled, with its description.

    Raises:
        EngineError: It cannot be compiled here.
    """

    def __init__(self, packed: PackedRolls, folder: Path | None = None, compiling: Compiling | None = None) -> None:
        self._packed = packed
        self._kernel = Kernels(choose_instructions(None), _PRECISION, folder, compiling)[_KERNEL]

    def stepper(self, rows: int) -> EngineStepper:
        """Return what writes some rolls."""
        return EngineStepper(self._packed, self._kernel, rows)


class EngineStepper(Stepper):
    """R rolls that compiled code writes side by side.

    Args:
        packed: The packed model.
        kernel: The compiled code.
        rows: Number of rolls R.
    """

    decides_by_note = True

    def __init__(self, packed: PackedRolls, kernel: Kernel, rows: int) -> None:
        self.notes = self.draws = notes = packed.notes
        self._kernel, self._time = kernel, _Part(packed.time, rows)
        self._pitch = None if packed.pitch is None else _Part(packed.pitch, rows)
        self._before, self._frames = (np.zeros((rows, notes), dtype=np.uint8) for _ in range(2))
        self._known, self._uniform = np.zeros(notes, dtype=np.int8), np.zeros((rows, notes), dtype=np.float32)
        self._logits, self._factor = np.zeros((rows, notes), dtype=np.float32), np.ones(1, dtype=np.float32)
        room = np.zeros(notes + 2 * packed.hidden, dtype=np.float32)
        self._arrays: list[NDArray[Any]] = [
            self._time.block,
            self._pitch.block if self._pitch else np.zeros(0, dtype=np.int64),
            self._before, self._frames, self._known, self._uniform, self._logits, packed.into, packed.out_of, room,
            self._factor,
        ]  # fmt: skip
        first_pitch_row, inputs = (self._pitch.first_row, packed.pitch_inputs) if self._pitch else (0, 0)
        self._scalars = [
            rows, notes, list(_HEADS).index(packed.head), packed.hidden, self._time.first_row, first_pitch_row, inputs,
        ]  # fmt: skip

    def step(
        self,
        uniform: NDArray[np.float32],
        known: NDArray[np.int8] | None = None,
        temperature: float = 1.0,
        *,
        expects: bool = False,
    ) -> Step:
        self._known[:] = -1 if known is None else known
        self._uniform[:], self._factor[:] = uniform, 1 / temperature
        self._kernel(block_of(self._arrays, self._scalars))
        self._before[:] = self._frames
        logits, log_given = self._logits.astype(np.float64), np.zeros(len(uniform))
        if known is not None:
            given = known >= 0
            signed = np.where(known[given] == 1, 1.0, -1.0) * logits[:, given] / temperature
            log_given = -np.logaddexp(0.0, -signed).sum(axis=1)
        return Step(self._frames.copy(), log_given, 1 / (1 + np.exp(-logits)) if expects else None)

    def select(self, rows: NDArray[np.int64]) -> None:
        self._before[:] = self._before[rows]
        self._time.select(rows)

    def mark(self) -> Any:
        return self._before.copy(), self._time.state()

    def back(self, mark: Any) -> None:
        before, state = mark
        self._before[:] = before
        self._time.restore(state)

    def put(self, frame: Frames) -> None:
        self.step(self._uniform, frame.astype(np.int8))


class _Part:
    """One of the two cores, with room for some rows in its table and its state."""

    def __init__(self, model: PackedModel, rows: int) -> None:
        size = int(model.plan[layout.GATES] * model.plan[layout.WIDTH])
        #: Number of the entry of the first row, behind all that the model has.
        self.first_row = -(-len(model.floats) // size)
        floats = np.zeros((self.first_row + rows) * size, dtype=np.float32)
        floats[: len(model.floats)] = model.floats
        self._carried = Carried.fresh(model, rows)
        self._arrays = {
            **network_arrays(model),
            "floats": floats,
            **scratch_arrays(model, rows),
            **self._carried.arrays(),
            "live": np.arange(rows, dtype=np.int64),
            "last": np.zeros(rows, dtype=np.int64),
            "meetings": meeting_place(),
        }
        self.block = fill_block(self._arrays, {"most": rows, "team": 1, "rows": rows}, _PRECISION)

    def state(self) -> tuple[NDArray[np.float32], ...]:
        """Return a copy of the states of all rows."""
        return self._carried.hidden.copy(), self._carried.cell.copy()

    def restore(self, state: tuple[NDArray[np.float32], ...]) -> None:
        """Go back to states."""
        self._carried.hidden[:], self._carried.cell[:] = state

    def select(self, rows: NDArray[np.int64]) -> None:
        """Go on with the states of some rows."""
        for state in (self._carried.hidden, self._carried.cell):
            if state.shape[1]:
                state[:] = state[:, rows]
