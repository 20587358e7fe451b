"""Views of a recording, whatever it was recorded of: cells, trajectories, gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.inspect.clamps import check_unit
from ostinato.inspect.finding import FoundUnit
from ostinato.inspect.gating import Saturation
from ostinato.inspect.projecting import Projection
from ostinato.inspect.recording import Recording
from ostinato.inspect.views import MOST_ON_PAGE, Coloured, View, cut_note, visible

_CHANGING = 3  # units that are shown where none is named


def cells(
    recording: Recording, units: str = "", *, about: dict[str, Any] | None = None, known: Sequence[FoundUnit] = ()
) -> View:
    """Return the view of the values of units.

    Args:
        recording: The recording.
        units: Units with commas, such as ``"1:37,cell:0:5"``; empty: those of the highest layer that change most. The
            page has all of them.
        about: Facts of the text for its page, as ``text_facts`` returns them; ``None``: its symbols alone.
        known: Units that tell a label; a button for each.

    Raises:
        ConfigError: There is no such unit.
    """
    chosen = [parse_unit(word, recording) for word in units.split(",")] if units else _changing(recording)
    values = {name: recording.arrays[part][1:, layer, unit] for name, part, layer, unit in chosen}
    shown = recording[:MOST_ON_PAGE]
    arrays = dict[str, NDArray[Any]]()
    for part in shown.parts:
        arrays[part], arrays[f"{part}_scale"] = levels(shown.arrays[part][1:].transpose(1, 2, 0))  # [L, H, T], [L, H]
    _, part, layer, unit = chosen[0]
    first = known[0].place() if known else {"part": part, "layer": layer, "unit": unit}
    return View(
        name="cells",
        title="Cells",
        columns=(*values, "text"),
        rows=lambda: (
            (*(f"{own[place]:+.3f}" for own in values.values()), visible(symbol))
            for place, symbol in enumerate(recording.symbols)
        ),
        objects=lambda: (
            {"unit": name, "symbols": list(recording.symbols), "values": np.round(own, 5).tolist()}
            for name, own in values.items()
        ),
        coloured=tuple(
            Coloured(
                f"{name} from {own.min():.2f} to {own.max():.2f}",
                recording.symbols,
                own / (float(np.abs(own).max()) or 1.0),
            )
            for name, own in values.items()
        ),
        facts={
            "text": about or {"symbols": list(shown.symbols)},
            "parts": list(shown.parts),
            "units": [{**one.place(), "told": one.describe()} for one in known],
            "first": first,
        },
        arrays=arrays,
        notes=cut_note(len(recording)),
    )


def levels(values: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the values of units [L, H, T] in 8 bits, from -127 to 127, and what 127 stands for, [L, H]."""
    scales = np.abs(values).max(axis=-1, initial=0.0)
    scales = np.where(scales > 0, scales, 1.0)
    return np.rint(values * (127 / scales[..., None])).astype(np.int8), scales.astype(np.float32)


def parse_unit(word: str, recording: Recording) -> tuple[str, str, int, int]:
    """Return the name, part, layer and number of a unit such as ``1:37`` or ``cell:1:37``.

    Raises:
        ConfigError: It is none.
    """
    words = word.strip().split(":")
    if len(words) not in (2, 3) or not all(one.isdecimal() for one in words[-2:]):
        raise ConfigError(f"{word!r} names no unit; write LAYER:UNIT, such as 1:37, or cell:1:37 for its cell")
    part, layer, unit = words[0] if len(words) == 3 else "hidden", *map(int, words[-2:])
    if part not in recording.parts:
        raise ConfigError(f"there is no part {part!r} of a state; there are {', '.join(recording.parts)}")
    check_unit(layer, unit, layers=recording.layers, units=recording.units)
    return word.strip(), part, layer, unit


def _changing(recording: Recording) -> list[tuple[str, str, int, int]]:
    layer = recording.layers - 1
    spread = recording.arrays["hidden"][1:, layer].std(axis=0)
    best = np.argsort(-spread, kind="stable")[:_CHANGING].tolist()
    return [(f"{layer}:{unit}", "hidden", layer, unit) for unit in best]


def trajectory(recording: Recording, projection: Projection, name: str) -> View:
    """Return the view of the way of a state, projected to the components in which it moves most."""
    points, explained = projection.points, projection.explained
    numbers = tuple(f"component_{number + 1}" for number in range(points.shape[1]))
    symbols = ("", *recording.symbols)
    told = ", ".join(f"{share:.1%}" for share in explained)
    return View(
        name="trajectory",
        title="Trajectory",
        columns=(*numbers, "text"),
        rows=lambda: (
            (*(f"{value:+.4f}" for value in row), visible(symbol))
            for row, symbol in zip(points.tolist(), symbols, strict=True)
        ),
        objects=lambda: (
            {"text": symbol, "point": row, "explained": list(explained)}
            for row, symbol in zip(np.round(points, 5).tolist(), symbols, strict=True)
        ),
        coloured=tuple(
            Coloured(
                f"component {number + 1} of {name}, {explained[number]:.1%} of the variance",
                recording.symbols,
                points[1:, number] / (float(np.abs(points[:, number]).max()) or 1.0),
            )
            for number in range(points.shape[1])
        ),
        facts={"symbols": list(recording.symbols[:MOST_ON_PAGE]), "explained": list(explained), "of": name},
        arrays={"points": _float(points[: MOST_ON_PAGE + 1])},
        notes=(f"the first components of {name} explain {told} of its variance", *cut_note(len(recording))),
    )


def gates(saturation: Saturation) -> View:
    """Return the view of how often gates are shut and open, and of how long units remember."""
    rows, objects = [], []
    for number, gate in enumerate(saturation.gates):
        for layer in range(saturation.shut.shape[1]):
            shut, wide = saturation.shut[number, layer], saturation.wide[number, layer]
            always = int((shut > _ALWAYS).sum()), int((wide > _ALWAYS).sum())
            span = saturation.spans[layer] if gate == saturation.keeping else None
            told = "–" if span is None else f"{np.median(span):.1f}"
            rows.append((gate, saturation.layers[layer], f"{shut.mean():.1%}", f"{wide.mean():.1%}", *always, told))
            objects.append({
                "gate": gate, "layer": saturation.layers[layer], "shut": float(shut.mean()), "open": float(wide.mean()),
                "units_always_shut": always[0], "units_always_open": always[1],
                "remembered": None if span is None else [round(value, 2) for value in span.tolist()],
            })  # fmt: skip
    columns = ("gate", "layer", "shut", "open", "units_always_shut", "units_always_open", "remembered")
    return View(
        name="gates",
        title="Gates",
        columns=columns,
        rows=lambda: rows,
        objects=lambda: objects,
        facts={
            "gates": list(saturation.gates),
            "layers": list(saturation.layers),
            "spans": np.round(saturation.spans, 2).tolist() if len(saturation.spans) else None,
            "table": {"columns": list(columns), "rows": [list(map(str, row)) for row in rows]},
        },
        arrays={"left": _float(saturation.shut), "right": _float(saturation.wide)},
        notes=(
            f"over {saturation.symbols:,} symbols; shut is under 0.1, open over 0.9, always more than 90 % of it; "
            "remembered: symbols until a cell has lost all but 1/e, the median of the layer's units",
        ),
    )


_ALWAYS = 0.9  # share of the time


def _float(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32)
