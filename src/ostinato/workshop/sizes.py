"""Adapt the settings to this machine: time some training steps, and choose sizes anew if it is faster or slower."""

from __future__ import annotations

from dataclasses import replace

from ostinato import config
from ostinato.families.settings import TrainingSettings
from ostinato.training.ranks import Ranks
from ostinato.workshop.build import Builder, Trial
from ostinato.workshop.request import Prepared, RunRequest, recipe_of

_USUAL = 80e9  # weights times symbols a second, of the two cores that the recipes' rules were measured on
_USUAL_SYMBOLS = 50e3  # symbols a second of those with 512 units
_LIKE = 1.5  # a machine within this factor is taken as such a one, so that its noise changes nothing


def fit(builder: Builder, prepared: Prepared, request: RunRequest, ranks: Ranks) -> Trial:
    """Resolve what depends on the machine: precision, threads, and of a time budget the sizes."""
    trial = _trial(builder, prepared.settings, request, ranks)
    if not request.amount.is_time or prepared.budget is None:
        return trial
    speed = _speed(builder, trial.settings, trial.seconds)
    if 1 / _LIKE < speed < _LIKE:
        return trial
    recipe = recipe_of(request.recipe, None)
    chosen = recipe.sizes_for(replace(prepared.budget, speed=speed), request.settings)
    known = config.write(prepared.settings)
    codec = {name: known[name] for name in recipe.settings.codec_settings}  # has been learned already
    better: TrainingSettings = config.read(
        recipe.settings, {**chosen, **codec, **request.settings}, where="the settings given"
    )
    return trial if better == prepared.settings else _trial(builder, better, request, ranks)


def _trial(builder: Builder, settings: TrainingSettings, request: RunRequest, ranks: Ranks) -> Trial:
    trial = builder.trial(settings, measure=request.amount.is_time)  # by all processes together
    return ranks.decide(lambda: trial)


def _speed(builder: Builder, settings: TrainingSettings, seconds: float) -> float:
    """Return the speed of training, in multiples of the usual; a CPU takes time for weights times symbols, nearly."""
    if builder.device != "cpu":  # where a step takes about as long whatever the width
        return builder.symbols_per_step(settings) / seconds / _USUAL_SYMBOLS
    return builder.products(settings) / seconds / _USUAL
