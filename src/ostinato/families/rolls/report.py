"""The report on a model of rolls: nats per frame beside what counting says, and a roll that it writes."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import numpy as np

from ostinato.families.report import Figure, Report, Section, held_out, validation_loss
from ostinato.families.rolls.batches import Rolls
from ostinato.families.rolls.measures import Effort
from ostinato.families.rolls.model import RollModel
from ostinato.families.rolls.writing import picture
from ostinato.families.verdict import read_curve

_MOST = 6000  # frames
_EFFORT = Effort(chains=2, temperatures=1000)
_SHOWN, _ROLLS = 96, 3  # frames of each roll that is shown
_REMARK = (
    "± is the standard error, by drawing pieces anew. The baselines have counted in the training data: how often each "
    "note sounds, and how often it sounds after it sounded or was silent. What was held out chose which weights of the "
    "run are kept, which flatters them a little."
)


def report_on(model: RollModel, doing: Callable[[str], None]) -> Report:
    """Make the report on a run; ``doing`` is called with what is being done."""
    run, train, valid = held_out(model.saved)
    doing("measuring")
    known, rolls = model.rolls(train), _beginning(model.rolls(valid))
    evaluation = model.evaluate_rolls(rolls, _EFFORT)
    doing("writing")
    pictures = [picture(one) for one in model.write(_SHOWN, rolls=_ROLLS, seed=1)]
    records = tuple(run.metrics())
    exact = model.settings.bound == "exact"
    name = "this model" if exact else "this model, estimated"
    return Report(
        name=model.saved.path.name,
        unit="nats per frame",
        measured_on=f"the first {rolls.numbers.texts:,} held-out pieces, {rolls.silence:,} frames",
        figures=(
            Figure(name, evaluation.nats_per_frame, evaluation.standard_error),
            *baselines(known, rolls),
        ),
        remark=_REMARK,
        records=records,
        verdict=read_curve(records, model.settings, data="pieces", taught=not exact),
        unit_of_loss="frame",
        sections=(Section("What it writes", "\n".join(f"<pre>{escape(one)}</pre>" for one in pictures)),),
        notes=(
            validation_loss(model.saved.best, "frame"),
            f"accuracy of notes {evaluation.accuracy:.1%}, copying the frame before {evaluation.copying_accuracy:.1%}",
        ),
    )


def _beginning(rolls: Rolls) -> Rolls:
    """Return the first rolls, as many as have few enough frames; one at least."""
    count = int(np.searchsorted(rolls.numbers.offsets, _MOST, side="right")) - 1
    return rolls.select(range(max(1, min(count, rolls.numbers.texts))))


def baselines(known: Rolls, rolls: Rolls) -> list[Figure]:
    """Return the losses of notes drawn as often as in the training data, by themselves and given the frame before."""
    often = _share(known.frames[:-1].sum(axis=0), known.silence)
    before, after = _pairs(known)
    silent, sounded = (
        _share((after * (before == value)).sum(axis=0), (before == value).sum(axis=0)) for value in (0, 1)
    )
    own_before, own = _pairs(rolls)
    rates = np.where(own_before == 1, sounded, silent)
    return [
        Figure("notes as often as in training", _nats(rolls.frames[:-1], often), is_own=False),
        Figure("notes given themselves one frame before", _nats(own, rates), is_own=False),
    ]


def _share(count: np.ndarray, of: np.ndarray | int) -> np.ndarray:
    """Return shares, with one sounding and one silent frame added."""
    shares: np.ndarray = (count + 1) / (np.asarray(of) + 2)
    return shares


def _pairs(rolls: Rolls) -> tuple[np.ndarray, np.ndarray]:
    """Return all frames with those before them, [F, N] each."""
    starts = rolls.numbers.offsets[:-1]
    before = np.concatenate([rolls.frames[-1:], rolls.frames[:-2]])
    before[starts] = 0
    return before, rolls.frames[:-1]


def _nats(frames: np.ndarray, rates: np.ndarray) -> float:
    return float(-np.where(frames == 1, np.log(rates), np.log1p(-rates)).sum(axis=1).mean())
