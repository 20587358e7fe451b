"""Views of language models: what was expected, what surprised, what cells know, what each symbol did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.families.text.inspecting.ablation import Ablated, AtlasRow
from ostinato.families.text.inspecting.comparing import Compared, SurprisingPart
from ostinato.inspect.views import Coloured, View, visible

if TYPE_CHECKING:
    from ostinato.inspect.finding import FoundUnit

_FULL = 8.0  # bits that are shown in the fullest colour
_BEFORE = 20  # characters shown before a surprising place
_STRONGEST = 5


def surprises_view(parts: Sequence[SurprisingPart]) -> View:
    """Return the view of the most surprising parts of a text."""
    columns = ("bits_per_symbol", "log_prob", "position", "text", "after")
    rows = [
        (
            f"{one.part.bits_per_symbol:.3f}", f"{one.part.log_prob:.4f}", one.start, visible(one.part.text),
            visible(one.before[-_BEFORE:]),
        )
        for one in parts
    ]  # fmt: skip
    return View(
        name="surprising",
        title="Surprises",
        columns=columns,
        rows=lambda: rows,
        objects=lambda: (
            {
                "text": one.part.text, "log_prob": one.part.log_prob, "symbols": one.part.symbols,
                "position": one.start, "before": one.before,
            }
            for one in parts
        ),
        module="table",
        facts={**_table(columns, rows), "about": "The most surprising parts of the text, by mean bits per symbol."},
    )  # fmt: skip


def comparison_view(parts: Sequence[Compared], names: tuple[str, str]) -> View:
    """Return the view of two models on one text, part by part."""
    gain = sum(part.gain for part in parts)
    better, worse = names if gain >= 0 else names[::-1]
    gains = np.array([part.gain for part in parts])
    return View(
        name="compare",
        title=f"{names[0]} and {names[1]}",
        columns=("bits_gained", *names, "text"),
        rows=lambda: (
            (f"{one.gain:+.3f}", f"{one.first:.4f}", f"{one.second:.4f}", visible(one.text)) for one in parts
        ),
        objects=lambda: (
            {"text": one.text, "log_probs": [one.first, one.second], "bits_gained": one.gain} for one in parts
        ),
        coloured=(
            Coloured(
                f"green: {names[0]} finds it more probable; blue: {names[1]}",
                [one.text for one in parts],
                np.clip(gains / _FULL, -1, 1),
            ),
        ),
        facts={
            "names": list(names),
            "parts": [[one.text, one.first, one.second, round(one.gain, 4)] for one in parts],
        },
        notes=(f"{better} finds the text more probable than {worse}, by {abs(gain):.2f} bits in all",),
    )


def saliency_view(
    symbols: Sequence[str], lost_bits: NDArray[np.float64], slopes: NDArray[np.float64], lost: NDArray[np.float64]
) -> View:
    """Return the view of what each earlier symbol does for the prediction of each later one.

    Args:
        symbols: The symbols, T of them.
        lost_bits: Bits of each symbol, [T].
        slopes: Gradients, as ``gradients`` returns them.
        lost: Bits that are lost without each, as ``occlusions`` returns them.
    """

    def strongest(t: int) -> str:
        order = np.argsort(-np.abs(lost[t, :t]), kind="stable")[:_STRONGEST].tolist()
        return "  ".join(f"{visible(symbols[j])} -{t - j} {lost[t, j]:+.2f}" for j in order)

    def steepest(t: int) -> str:
        order = np.argsort(-slopes[t, :t], kind="stable")[:_STRONGEST].tolist()
        return "  ".join(f"{visible(symbols[j])} -{t - j} {slopes[t, j]:.2f}" for j in order)

    last = len(symbols) - 1
    return View(
        name="saliency",
        title="Saliency",
        columns=("bits", "text", "left_out_bits", "gradient"),
        rows=lambda: (
            (f"{lost_bits[t]:.3f}", visible(symbols[t]), strongest(t), steepest(t)) for t in range(len(symbols))
        ),
        objects=lambda: (
            {
                "text": symbols[t], "bits": float(lost_bits[t]), "left_out": np.round(lost[t, :t], 5).tolist(),
                "gradient": np.round(slopes[t, :t], 6).tolist(),
            }
            for t in range(len(symbols))
        ),
        coloured=(
            Coloured(
                f"what {visible(symbols[last])!r}, the last symbol, loses without each (green: it was needed)",
                symbols,
                lost[last] / (float(np.abs(lost[last]).max()) or 1.0),
            ),
            Coloured("the gradient of the last symbol", symbols, slopes[last] / (slopes[last].max() or 1.0), "heat"),
        ),
        facts={"symbols": list(symbols), "bits": np.round(lost_bits, 4).tolist()},
        arrays={"gradient": slopes.astype(np.float32), "occlusion": lost.astype(np.float32)},
    )  # fmt: skip


def found_view(best: Sequence[FoundUnit], effects: Sequence[Ablated | None]) -> View:
    """Return the view of units that tell labels, with controls, and of what is lost without them."""
    columns = ("label", "unit", "sign", "measure", "score", "shuffled", "chance", "bits_there", "bits_elsewhere")
    rows = [
        (
            one.label, one.name, "+" if one.sign > 0 else "-", one.measure,
            *(f"{value:.3f}" for value in (one.score, one.control, one.chance)), *_told(effect),
        )
        for one, effect in zip(best, effects, strict=True)
    ]  # fmt: skip
    return View(
        name="find",
        title="Cells that know something",
        columns=columns,
        rows=lambda: rows,
        objects=lambda: (
            {
                "label": one.label, **one.place(), one.measure: one.score, "control": one.control,
                "chance": one.chance, "sign": one.sign, "ablation": None if effect is None else asdict(effect),
            }
            for one, effect in zip(best, effects, strict=True)
        ),
        module="table",
        facts={
            **_table(columns, rows),
            "links": {"column": 1, "places": [f"{one.part}:{one.layer}:{one.unit}" for one in best]},
            "about": "Each unit is measured on the half of the text that did not choose its sign. Shuffled: the same "
            "score with shuffled labels. Chance: the best that any unit reaches with labels that were moved along the "
            "text. Bits there and elsewhere: what is lost per symbol with the unit held at its mean.",
        },
    )  # fmt: skip


def atlas_view(rows: Sequence[AtlasRow], labels: Sequence[str]) -> View:
    """Return the view of what is lost without each unit: the causal map."""
    columns = ("unit", "bits", *(word for name in labels for word in (name, "elsewhere")), "precision")
    cells = [
        (
            f"{one.layer}:{one.unit}", f"{one.bits:+.4f}",
            *(told for effect in one.effects.values() for told in _told(effect)), one.precision,
        )
        for one in rows
    ]  # fmt: skip
    return View(
        name="atlas",
        title="Atlas",
        columns=columns,
        rows=lambda: cells,
        objects=lambda: map(asdict, rows),
        module="table",
        facts={
            **_table(columns, cells),
            "links": {"column": 0, "places": [f"hidden:{one.layer}:{one.unit}" for one in rows]},
            "about": "Bits per symbol that are lost with each unit held at its mean: in all, where a label is, and "
            "elsewhere.",
        },
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {"columns": list(columns), "rows": [list(map(str, row)) for row in rows], "links": None}


def _told(effect: Ablated | None) -> tuple[str, str]:
    """Return the bits lost there and elsewhere; a dash where there is no such place, or nothing was measured."""
    there, elsewhere = (None, None) if effect is None else (effect.there, effect.elsewhere)
    return ("–" if there is None else f"{there:+.4f}", "–" if elsewhere is None else f"{elsewhere:+.4f}")
