"""The character language model: char-RNN, for running text and for names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ostinato.families.recipe import Budget, Recipe
from ostinato.families.text.family import TEXT
from ostinato.families.text.settings import LanguageModelSettings

_ANY = float("inf")
_SYMBOLS_PER_MINUTE = 3_000_000  # what 512 units learn from on two cores: enough to tell few passes from many


class _Row(NamedTuple):
    """One row of the size table: settings, and the limits up to which they apply.

    Attributes:
        symbols: Most training symbols.
        minutes: Most minutes, on the machine that the rule was measured on.
        passes: Most passes over the symbols in these minutes.
        settings: Settings to choose.
    """

    symbols: float
    minutes: float
    passes: float
    settings: dict[str, Any]


# The first row that fits holds. Measured on 2 cores: docs/design/sizes.md, benchmarks/sweeps. Many passes need dropout.
# Inputs are dropped only where much is: that they are whole saves a tenth of a step, and a little of it gains nothing.
# Where there is much dropout, the rate stays up until late, and the last layer's outputs are kept small.
_MANY = {"average": 0.998, "cooldown": 0.4, "activation_penalty": 2.0}
_SLOWER = {**_MANY, "learning_rate": 4e-3}
_FAST = {"hidden_size": 256, "learning_rate": 8e-3}  # where steps are few
_TEXT = [
    _Row(60_000, _ANY, _ANY,
         {**_SLOWER, "hidden_size": 256, "dropout": 0.6, "input_dropout": 0.075, "weight_decay": 0.3, "passes": 24.0}),
    _Row(200_000, _ANY, 20,
         {**_SLOWER, "hidden_size": 256, "dropout": 0.3, "input_dropout": 0.0375, "weight_decay": 0.3, "passes": 18.0}),
    _Row(200_000, _ANY, _ANY,
         {**_SLOWER, "hidden_size": 512, "dropout": 0.5, "input_dropout": 0.0625, "weight_decay": 0.3, "passes": 15.0}),
    _Row(400_000, _ANY, 2.5, {"hidden_size": 256, "dropout": 0.1}),
    _Row(400_000, _ANY, 8, {**_SLOWER, "hidden_size": 256, "dropout": 0.3, "input_dropout": 0.0375}),
    _Row(400_000, _ANY, _ANY,
         {**_SLOWER, "hidden_size": 384, "dropout": 0.5, "input_dropout": 0.075, "weight_decay": 0.1}),
    _Row(_ANY, 0.35, _ANY, _FAST),
    _Row(_ANY, _ANY, 0.2, _FAST),
    _Row(_ANY, _ANY, 1.2, {"hidden_size": 384}),
    _Row(_ANY, _ANY, 2.5, {"hidden_size": 512}),
    _Row(_ANY, _ANY, 5, {"hidden_size": 512, "dropout": 0.1}),
    _Row(_ANY, _ANY, 18, {**_MANY, "hidden_size": 512, "dropout": 0.35, "input_dropout": 0.05}),
    _Row(_ANY, _ANY, 50, {**_MANY, "hidden_size": 768, "dropout": 0.5, "input_dropout": 0.05}),
    _Row(_ANY, _ANY, _ANY,
         {**_MANY, "hidden_size": 768, "dropout": 0.5, "input_dropout": 0.0625, "recurrent_dropout": 0.25}),
]  # fmt: skip
# On a GPU a step of a wide network takes hardly longer than one of a narrow one.
_TEXT_ON_GPU = [
    *[row for row in _TEXT if row.symbols < _ANY],
    _Row(_ANY, _ANY, 2.5, {"hidden_size": 512}),
    _Row(_ANY, _ANY, 5, {"hidden_size": 768, "dropout": 0.2, "input_dropout": 0.025}),
    _Row(_ANY, _ANY, 25, {**_MANY, "hidden_size": 768, "dropout": 0.45, "input_dropout": 0.05}),
    _Row(_ANY, _ANY, _ANY, {**_MANY, "hidden_size": 1024, "dropout": 0.55, "input_dropout": 0.06}),
]
_ITEMS = [
    _Row(50_000, _ANY, _ANY, {"hidden_size": 128, "dropout": 0.3}),
    _Row(1_000_000, 0.35, _ANY, {**_MANY, "hidden_size": 256, "dropout": 0.2, "input_dropout": 0.025}),
    _Row(1_000_000, _ANY, 15, {**_MANY, "hidden_size": 384, "dropout": 0.3, "input_dropout": 0.0375}),
    _Row(1_000_000, _ANY, 30, {**_MANY, "hidden_size": 384, "dropout": 0.4, "input_dropout": 0.05}),
    _Row(1_000_000, _ANY, _ANY, {**_MANY, "hidden_size": 512, "dropout": 0.55, "input_dropout": 0.07}),
    _Row(_ANY, _ANY, _ANY, {"hidden_size": 512, "dropout": 0.1}),
]
_WINDOW = 48
_LEAST_WINDOWS = 8  # of each row in an epoch


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes by the amount of data and the time."""
    table = _ITEMS if budget.items else _TEXT if budget.device == "cpu" else _TEXT_ON_GPU
    minutes = budget.usual_minutes
    passes = minutes * _SYMBOLS_PER_MINUTE / max(1, budget.symbols)
    fits = (row for row in table if budget.symbols <= row.symbols and minutes <= row.minutes and passes <= row.passes)
    row = next(fits).settings
    # Only our own compiled code has the capped core as fast as the plain one.
    compiled = budget.compiles(given.get("hidden_size", row["hidden_size"]))
    row = {**row, "core": "capped-lstm" if compiled else "lstm"}
    if given.get("core") == "jordan":  # its outputs are logits, which are never dropped
        row = {**row, "dropout": 0.0, "activation_penalty": 0.0}
    if str(given.get("core")).startswith("min-") or given.get("feedback", "never") != "never":
        row = {**row, "recurrent_dropout": 0.0}  # which these cannot have
    if budget.items:
        return {**row, "batch_size": 64, "window": 256, "learning_rate": 4e-3}
    batch_size = max(1, min(16, budget.symbols // (_WINDOW * _LEAST_WINDOWS)))
    return {**row, "batch_size": batch_size, "window": _WINDOW}


RECIPE = Recipe(
    name="char-lm",
    summary="a language model over characters: text, code, names",
    source="Graves 2013, arXiv:1308.0850; Karpathy 2015, The Unreasonable Effectiveness of Recurrent Neural Networks",
    settings=LanguageModelSettings,
    family=TEXT,
    sizes_for=sizes_for,
)
