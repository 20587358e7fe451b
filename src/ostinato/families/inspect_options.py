"""Views that models of every family have: options of ``inspect``."""

from __future__ import annotations

from ostinato.families.options import Option

VIEWS_TITLE = "views"
#: Options in that group that say more about views, and are none: the views that they belong to; none: to all.
DETAILS: dict[str, tuple[str, ...]] = {"per": ("surprising", "compare"), "parts": ("find",), "target": (), "split": ()}
GUESSES = Option("--guesses", "at every place: probability, rank, entropy, N best (default: 5)", "int", "N", alone="5")
CELLS = Option(
    "--cells",
    "the text coloured by units; cell: before one for its cell, forget_gate: for a gate, "
    "'gates' for all of them on the page (default: those that change most)",
    "text",
    "LAYER:UNIT,…",
    alone="",
)
TRAJECTORY = Option(
    "--trajectory", "the way of a layer's state, in the plane in which it moves most", "text", "LAYER", alone=""
)
STATE_VIEWS = (CELLS, TRAJECTORY)
GATES = Option("--gates", "how often each gate is shut and open, and how long units remember", "flag")
