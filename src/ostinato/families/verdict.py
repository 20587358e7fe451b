"""Verdict on a run's learning curve: still learning, done, or overfitting; and advice on what to change next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.families.settings import CoreSettings
from ostinato.units import bits

_RISE = 0.005  # nats above the best, from which on it is overfitting and not noise
_FALL = 0.01  # nats in the last quarter, from which on it is still learning
_GAP = 0.25  # nats between validation and training, from which on more text helps more than more time
_NO_GAP = 0.05
_FEWEST_PASSES = 2.0  # over the text, before which it cannot be known by heart
_MOST_DROPOUT = 0.7
_Point = tuple[Mapping[str, Any], float]  # a record, and the better one of its validation losses
_Curve = Sequence[_Point]
_TOGETHER = "several runs of other seeds together: ostinato generate RUN RUN RUN"
_OTHER_SETTINGS = "other settings side by side: ostinato sweep DATA --set hidden_size=128,256"


@dataclass(frozen=True)
class Verdict:
    """Verdict on a learning curve.

    Attributes:
        summary: The verdict in one sentence.
        advice: Changes to try next, the most promising first.
    """

    summary: str
    advice: tuple[str, ...]


def read_curve(
    records: Sequence[Mapping[str, Any]], settings: CoreSettings, *, data: str = "text", taught: bool = False
) -> Verdict:
    """Judge the learning curve of a run.

    Args:
        records: Its evaluations, as they stand in metrics.jsonl.
        settings: Settings that it was trained with.
        data: Name of the data that it learned from, such as ``"text"`` or ``"pairs"``.
        taught: Whether it learned from teachers too; then its training loss is not comparable with the validation loss.
    """
    points = [(record, _valid(record)) for record in records]
    curve = [(record, value) for record, value in points if value is not None]
    if len(curve) < 2:
        return Verdict("too short to say how it goes on", ("train longer: give it more --minutes",))
    last, end = curve[-1]
    _, lowest = _best(curve)
    if end < _RISE:
        return Verdict(
            f"nothing is left to learn on what was held out: {bits(end):.3f} bits", ("try it on other data",)
        )
    known = None if taught else last["train_nats_per_symbol"]
    gap = None if known is None else end - known
    wide, narrow = (gap is not None and gap > _GAP), (gap is not None and abs(gap) < _NO_GAP)
    told_gap = f"the validation loss is {bits(gap or 0):.2f} bits above the training loss"
    others = _TOGETHER if data == "text" else _OTHER_SETTINGS
    if end - lowest > _RISE:
        # Whoever knows data by heart has read them more than once, and does better on them than on what is held out.
        by_heart = last["epochs"] >= _FEWEST_PASSES and (gap is None or gap > 0)
        return _risen(curve, settings, data) if by_heart else _unsteady(curve, data, others)
    quarter = next(value for record, value in curve if record["step"] >= 0.75 * last["step"])
    before = next((value for record, value in reversed(curve) if record["step"] < 0.75 * last["step"]), quarter)
    fall = before - end
    if fall > _FALL:
        advice = [f"more time: it fell by {bits(fall):.3f} bits in the last quarter"]
        advice += [f"more {data}, which would help as well: {told_gap}"] if wide else []
        return Verdict("still learning when it ended", tuple(advice))
    if wide:
        return Verdict(f"as good as it gets with no more {data}", (f"more {data}: {told_gap}", others))
    if narrow:
        return Verdict(
            "as good as this network gets", (f"a larger network: --set hidden_size={2 * settings.hidden_size}",)
        )
    return Verdict("as good as it gets with these settings", (others,))


def _risen(curve: _Curve, settings: CoreSettings, data: str) -> Verdict:
    best, lowest = _best(curve)
    more = round(settings.dropout + 0.15, 2)
    can = settings.core != "jordan" and more <= _MOST_DROPOUT  # Jordan layers put out logits, never dropped
    advice = [f"more dropout: --set dropout={more:g}"] if can else []
    rise = bits(curve[-1][1] - lowest)
    return Verdict(
        f"learning by heart since step {best['step']:,}: the validation loss rose by {rise:.3f} bits",
        (*advice, f"less time, or more {data}"),
    )


def _unsteady(curve: _Curve, data: str, others: str) -> Verdict:
    best, lowest = _best(curve)
    last, end = curve[-1]
    few = last["epochs"] < _FEWEST_PASSES
    return Verdict(
        f"going up and down: the validation loss was {bits(end - lowest):.3f} bits lower at step {best['step']:,}",
        (*([f"more time: it read its {data} {last['epochs']:.1f} times"] if few else []), others),
    )


def _best(curve: _Curve) -> _Point:
    return min(curve, key=lambda point: point[1])


def _valid(record: Mapping[str, Any]) -> float | None:
    """Return the better validation loss, of the weights or of their average; ``None`` if there is none."""
    losses = [record.get("valid_nats_per_symbol"), record.get("valid_average_nats_per_symbol")]
    known = [value for value in losses if value is not None]
    return min(known) if known else None
