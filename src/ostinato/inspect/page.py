"""A recording as one self-contained HTML page: the text coloured by any unit, and what was expected at every place."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from ostinato.inspect.finding import FoundUnit
from ostinato.inspect.recording import Recording

_LEVELS, _GUESSES = 127, 5
_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1.25rem; color: #1d1d1f }
h1 { font: 600 1.7rem/1.2 Georgia, serif; margin: 0 }
.quiet { color: #6b6b70; font-size: .9rem }
.controls { display: flex; gap: .7rem; align-items: center; flex-wrap: wrap; margin: 1rem 0 .6rem; padding: .6rem 1rem;
  border: 1px solid #e2e2e6; border-radius: .6rem; position: sticky; top: 0; background: #fff }
button, select, input { font: inherit }
button { padding: .2rem .8rem; border-radius: .4rem; border: 1px solid #c8c8cc; background: #f6f6f8; cursor: pointer }
#unit { width: 5rem } #slider { flex: 1; min-width: 8rem } #named { font-weight: 600; min-width: 7rem }
button { margin: .15rem 0 }
.panes { display: grid; grid-template-columns: minmax(0, 1fr) 20rem; gap: 1.5rem }
#text { font: 15px/1.75 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; margin: 0;
  overflow-wrap: anywhere }
#text span:hover, #text span:focus { outline: 2px solid #1d1d1f }
#told { position: sticky; top: 5rem; align-self: start } #told ol { padding-left: 1.4rem; margin: .3rem 0 }
#told i { display: inline-block; height: .7em; background: #d0693b } #told b { font-family: ui-monospace, monospace }
@media (max-width: 50rem) { button { margin: .15rem 0 }
.panes { grid-template-columns: 1fr } #told { position: static } }
"""


def recording_page(
    recording: Recording, names: Sequence[str], *, title: str, units: Sequence[FoundUnit] = (), guesses: int = _GUESSES
) -> str:
    """Return a page on which a person flips through units; it needs nothing from elsewhere.

    Args:
        recording: The recording.
        names: The text of every symbol of the model, by id.
        title: Title of the page.
        units: Units that tell a label; a button for each.
        guesses: Number of guesses at each place.
    """
    data = {
        "symbols": recording.symbols,
        "units": recording.units,
        "parts": [_packed(recording, part) for part in recording.parts],
        "first": _place(units[0]) if units else {"part": "hidden", "layer": recording.layers - 1, "unit": 0},
        **_expected(recording, names, guesses),
    }
    script = (files("ostinato.inspect") / "web" / "cells.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(_STYLE)}'"
    layers = "one layer" if recording.layers == 1 else f"{recording.layers} layers"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="quiet">{len(recording):,} symbols, {layers} of {recording.units} units. Green: the unit is above '
        "zero; blue: below zero; the darker, the further. Arrow keys change the unit.</p>",
        _controls(recording),
        *([f'<p class="quiet">{_buttons(units)}</p>'] if units else []),
        '<div class="panes"><pre id="text"></pre><div id="told"></div></div>',
        f'<script type="application/json" id="recording">{as_script_data(data)}</script>',
        f"<script>{script}</script>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def as_script_data(data: Any) -> str:
    """Return data as JSON that can stand in a script element, whatever texts are in it."""
    return json.dumps(data).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _packed(recording: Recording, part: str) -> dict[str, Any]:
    """Return the values of a part in 8 bits, unit by unit, deflated."""
    values = recording.arrays[part][1:]  # [T, L, H]
    scale = float(np.abs(values).max()) or 1.0
    levels = np.rint(values * (_LEVELS / scale)).astype(np.int8).reshape(len(values), -1).T  # [L H, T]
    deflated = zlib.compress(np.ascontiguousarray(levels).tobytes(), 6)
    return {"name": part, "scale": scale, "values": base64.b64encode(deflated).decode()}


def _expected(recording: Recording, names: Sequence[str], count: int) -> dict[str, Any]:
    """Return the probability and the rank of each symbol, and the most probable ones in its place."""
    expected = recording.expected(count)
    own, best = np.exp(expected.log_probs).tolist(), np.exp(expected.best_log_probs).tolist()
    return {
        "expected": [[round(p, 6), rank] for p, rank in zip(own, expected.ranks.tolist(), strict=True)],
        "guesses": [
            [[names[one], round(p, 4)] for one, p in zip(ids, row, strict=True)]
            for ids, row in zip(expected.best.tolist(), best, strict=True)
        ],
    }


def _place(unit: FoundUnit) -> dict[str, Any]:
    return {"part": unit.part, "layer": unit.layer, "unit": unit.unit}


def _buttons(units: Sequence[FoundUnit]) -> str:
    return " ".join(
        f'<button data-unit="{escape(json.dumps(_place(one)))}">{escape(one.label)}: {one.part} {one.layer}:{one.unit}'
        f", {one.measure} {one.score:.2f}{' (low where it is)' if one.sign < 0 else ''}</button>"
        for one in units
    )


def _controls(recording: Recording) -> str:
    parts = "".join(f"<option>{part}</option>" for part in recording.parts)
    layers = "".join(f"<option>{layer}</option>" for layer in range(recording.layers))
    return (
        f'<div class="controls"><span id="named"></span><select id="part" aria-label="part">{parts}</select>'
        f'<label>layer <select id="layer">{layers}</select></label>'
        f'<label>unit <input id="unit" type="number" min="0" max="{recording.units - 1}"></label>'
        '<button id="previous">‹</button><button id="next">›</button>'
        f'<input id="slider" type="range" aria-label="unit" min="0" max="{recording.units - 1}">'
        '<label>in order of <select id="sort"><option value="number">number</option><option value="spread">change'
        "</option></select></label></div>"
    )
