"""Settings that fit the machine: how fast it is is tried, and what was chosen for another speed is chosen anew."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from ostinato import config
from ostinato.recipes import find_recipe
from ostinato.recipes.training import TrainingSettings
from ostinato.training.ranks import Ranks
from ostinato.workshop.building import Builder
from ostinato.workshop.preparing import OF_THE_CODEC, Order, Prepared

_USUAL = 80e9  # weights times symbols a second, of the two cores that the recipes' rules were measured on
_USUAL_SYMBOLS = 50e3  # symbols a second of those with 512 units
EVALUATIONS = 8  # in a run
_SHARE = 0.05  # of the time, for all evaluations together
_LEAST_VALID = 5_000  # symbols
_LIKE = 1.5  # a machine within this factor is taken as such a one, so that its noise changes nothing


def fit(builder: Builder, prepared: Prepared, order: Order, ranks: Ranks) -> tuple[TrainingSettings, float]:
    """Resolve what a trial decides: the precision, and of a time budget the sizes.

    Returns:
        The settings, and the seconds of a training step (not a number, where nothing depends on them).
    """
    settings, seconds = _sized(builder, prepared, order, ranks)
    if not order.amount.is_time or "valid_symbols" in order.settings:
        return settings, seconds
    return _quickly_evaluated(builder, settings, order, ranks), seconds


def _sized(builder: Builder, prepared: Prepared, order: Order, ranks: Ranks) -> tuple[TrainingSettings, float]:
    settings, seconds = _trial(builder, prepared.settings, order, ranks)
    if not order.amount.is_time or prepared.budget is None:
        return settings, seconds
    speed = _speed(builder, settings, seconds)
    if 1 / _LIKE < speed < _LIKE:
        return settings, seconds
    recipe = find_recipe(order.recipe)
    chosen = recipe.choose(replace(prepared.budget, speed=speed), order.settings)
    known = config.write(prepared.settings)
    codec = {name: known[name] for name in OF_THE_CODEC if name in known}  # has been learned already
    better: TrainingSettings = config.read(
        recipe.settings, {**chosen, **codec, **order.settings}, where="the settings given"
    )
    if better == prepared.settings:
        return settings, seconds
    return _trial(builder, better, order, ranks)


def _quickly_evaluated(builder: Builder, settings: TrainingSettings, order: Order, ranks: Ranks) -> TrainingSettings:
    """Validate on fewer symbols where evaluations would take the time that training needs."""
    measured = builder.evaluation_seconds(settings)  # by all processes together
    seconds = ranks.decide(lambda: measured)
    limit = _SHARE * 60 * order.amount.expected_minutes / EVALUATIONS
    if seconds <= limit:
        return settings
    symbols = builder.evaluated_symbols(settings)
    return replace(settings, valid_symbols=max(_LEAST_VALID, int(symbols * limit / seconds)))


def _trial(builder: Builder, settings: TrainingSettings, order: Order, ranks: Ranks) -> tuple[TrainingSettings, float]:
    found = builder.trial(settings, measure=order.amount.is_time)  # by all processes together
    return ranks.decide(lambda: found)


def _speed(builder: Builder, settings: TrainingSettings, seconds: float) -> float:
    """How fast training is, as a multiple of the usual: on a CPU its time goes as weights times symbols, nearly."""
    weights = _weights(builder.model(settings))
    symbols = len(builder.train.ids) / builder.stream(settings).batches_per_epoch
    if builder.device != "cpu":  # where a step takes about as long whatever the width
        return symbols / seconds / _USUAL_SYMBOLS
    return weights * symbols / seconds / _USUAL


def _weights(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
