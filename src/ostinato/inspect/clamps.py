"""Clamps as a person writes them: which unit, when, and to what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ostinato.engine.clamps import ALWAYS, CELL, FIXED, HIDDEN, SCALED, Clamps
from ostinato.errors import ConfigError

#: Names of the parts of a state that compiled code holds, by their numbers there; PyTorch holds gates as well.
PARTS: dict[str, int] = {"hidden": HIDDEN, "cell": CELL}


@dataclass(frozen=True)
class Clamp:
    """One unit, held at a value or turned up and down.

    A clamp holds after each step, before anyone reads the state: of an LSTM a cell's own clamp comes first, and the
    hidden state follows from it.

    Attributes:
        layer: The layer, from 0.
        unit: The unit, from 0.
        value: The value it has; or the factor that it is multiplied by.
        part: ``"hidden"``, which is also the layer's output, ``"cell"``, or a gate such as ``"forget_gate"``.
        scaled: Whether ``value`` is a factor.
        ablated: Whether it is held at its mean over what the run held out; ``value`` says nothing then.
        first: The first step at which it holds; step 0 reads the begin symbol, step t the t-th symbol of the text.
        end: The step from which on it holds no longer; ``None``: it holds to the end.
    """

    layer: int
    unit: int
    value: float
    part: str = "hidden"
    scaled: bool = False
    ablated: bool = False
    first: int = 0
    end: int | None = None


def clamp_arrays(clamps: Iterable[Clamp], *, layers: int, units: int, has_cell: bool) -> Clamps:
    """Return clamps as arrays.

    Args:
        clamps: Clamps of hidden and cell; of two of one unit the later one holds.
        layers: Number of layers L of the network.
        units: Number of units H of each layer.
        has_cell: Whether its cores have cells.

    Raises:
        ConfigError: There is no such layer, unit or part, or a value is not finite.
    """
    made = Clamps.none(layers, units)
    for clamp in clamps:
        check_clamp(clamp, layers=layers, units=units)
        if clamp.part == "cell" and not has_cell:
            raise ConfigError("there is no part 'cell' of a state that can be held in this core; hold a hidden unit")
        place = (PARTS[clamp.part], clamp.layer, clamp.unit)
        made.modes[place], made.values[place] = SCALED if clamp.scaled else FIXED, clamp.value
        made.spans[place] = clamp.first, ALWAYS if clamp.end is None else clamp.end
    return made


def check_clamp(clamp: Clamp, *, layers: int, units: int) -> None:
    """Check that there is the unit of a clamp, and that it is held at a number.

    Raises:
        ConfigError: There is none, or it is not.
    """
    check_unit(clamp.layer, clamp.unit, layers=layers, units=units)
    if not np.isfinite(clamp.value):
        raise ConfigError(f"a unit is held at a number, got {clamp.value}")


def check_unit(layer: int, unit: int, *, layers: int, units: int) -> None:
    """Check that there is a unit.

    Raises:
        ConfigError: There is none.
    """
    if not 0 <= layer < layers:
        raise ConfigError(f"there is no layer {layer}; the model has the layers 0 to {layers - 1}")
    if not 0 <= unit < units:
        raise ConfigError(f"there is no unit {unit}; each layer has the units 0 to {units - 1}")


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_CLAMP = re.compile(rf"(?:(\w+):)?(\d+):(\d+)(?:(=|\*)({_NUMBER})|=(mean))(?:@(\d+)(?:-(\d+))?)?")


def parse_clamp(text: str) -> Clamp:
    """Read a clamp such as ``1:37=-1``, ``1:37=mean``, ``cell:1:37*0.5`` or ``1:37=0@10-20``: from step 10 to step 20.

    Raises:
        ConfigError: It is none.
    """
    match = _CLAMP.fullmatch(text.replace(" ", ""))
    if match is None:
        raise ConfigError(
            f"{text!r} holds no unit; write LAYER:UNIT=VALUE, such as 1:37=-1, =mean, or LAYER:UNIT*FACTOR; "
            "cell: before it means its cell, forget_gate: or another name that gate, and @10-20 behind it the steps 10 "
            "to 20"
        )
    part, layer, unit, sign, value, mean, first, last = match.groups()
    if last is not None and int(last) < int(first):
        raise ConfigError(f"{text!r} never holds: step {last} comes before step {first}")
    return Clamp(
        int(layer),
        int(unit),
        0.0 if mean else float(value),
        part=part or "hidden",
        scaled=sign == "*",
        ablated=bool(mean),
        first=int(first or 0),
        end=None if last is None else int(last) + 1,
    )
