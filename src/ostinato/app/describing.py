"""Runs in words: their unit and how far they are. Needs no PyTorch."""

from __future__ import annotations

from ostinato.families import RECIPES
from ostinato.runs import RunFolder


def unit_of(recipe: str) -> str:
    """Return the unit of a recipe's losses ("symbol", "label"); "symbol" if this version does not know the recipe."""
    return RECIPES[recipe].family.unit if recipe in RECIPES else "symbol"


def status_of(run: RunFolder) -> str:
    """Return whether a run is finished, and why it ended."""
    end = run.finished()
    return "unfinished" if end is None else f"finished ({end['reason']})"
