"""The report on a language model: its losses, baselines, learning curve and samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.families.report import Figure, Report, Section, held_out
from ostinato.families.text.measuring import Measuring
from ostinato.families.text.model import TextModel
from ostinato.families.text.novelty import QUICK
from ostinato.families.text.novelty import report as novelty_of
from ostinato.families.text.report.baselines import MOST, measure_baselines
from ostinato.families.verdict import read_curve
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.training.evaluation import Evaluation

_HELD_OUT, _LEAST, _TRIED = 2**16, 2**12, 2**10  # symbols that are measured at most, at least, and to learn the speed
_SECONDS = 8.0  # for a protocol; slow cores measure less
_WINDOWS = 400
_WINDOW_SYMBOLS = 256 * _WINDOWS
_FIXED, _COUNTED = 1.5, 2e-6  # seconds that a report takes besides reading, and for each training symbol beside it
_SAMPLES, _ITEMS = 3, 12
_LENGTH, _TEMPERATURE = 300, 0.8
_COPIED = 60  # characters of a copy that are shown
_REMARK = (
    "± is the standard error, by drawing blocks of the text anew. Compressors and counts have read the training text "
    "too (of a long one the last two million symbols) and go on learning from the held-out text; this model does not. "
    "The held-out text chose which weights of the run are kept, which flatters them a little."
)


def expected_seconds(codec: Codec, train: Encoded, valid: Encoded, seconds_per_symbol: float) -> float:
    """Estimate the seconds that a report will take.

    Args:
        codec: Codec of the texts.
        train: The training texts.
        valid: The held-out texts.
        seconds_per_symbol: Time that an evaluation during training takes per symbol.
    """
    windows = 0 if codec.end is not None else _WINDOW_SYMBOLS
    reading = seconds_per_symbol * (windows + min(_HELD_OUT, len(valid.ids)))
    return _FIXED + reading + _COUNTED * min(MOST, len(train.ids))


def report_on(model: TextModel, doing: Callable[[str], None]) -> Report:
    """Make the report on a run; ``doing`` is called with what is being done."""
    run, train, valid = held_out(model.saved)
    doing("measuring")
    valid = _beginning(valid, _affordable(model, valid))
    evaluations = [_evaluate(model, valid, protocol) for protocol in _protocols(model, valid)]
    doing("measuring compressors and counts beside it")
    baselines = measure_baselines(model.codec, train, valid, compiling=doing)
    doing("writing samples")
    of_items = model.codec.end is not None
    written = model.generate_all(
        [""], samples=_ITEMS if of_items else _SAMPLES, length=_LENGTH, seed=1, temperature=_TEMPERATURE
    )
    records = tuple(run.metrics())
    return Report(
        name=model.saved.path.name,
        unit="bits per symbol",
        measured_on=f"the first {evaluations[0].symbols:,} held-out symbols, as many as there was time for",
        figures=(*_losses(model.saved.best, evaluations), *baselines),
        remark=_REMARK,
        records=records,
        verdict=read_curve(records, model.settings, taught=bool(model.saved.origin.get("teachers"))),
        sections=(Section("What it writes", _samples(model, train, [sample.text for sample in written])),),
    )


def _losses(best: Mapping[str, Any], evaluations: Sequence[Evaluation]) -> list[Figure]:
    """Return the model's losses, in bits per symbol: that of its validation, and one by each protocol."""
    losses = [("validation, as in runs", best.get("nats_per_symbol"), best.get("standard_error"))]
    losses += [(each.protocol, each.nats_per_symbol, each.standard_error) for each in evaluations]
    return [
        Figure(f"this model, {method}", bits(nats), None if error is None else bits(error))
        for method, nats, error in losses
        if nats is not None
    ]


def _samples(model: TextModel, train: Encoded, texts: Sequence[str]) -> str:
    """Return samples in HTML, each with its longest copy of the training text unless that is too long for a search."""
    if len(train.ids) > QUICK:
        return "\n".join(f"<pre>{escape(text)}</pre>" for text in texts)
    symbols = escape(model.codec.name)
    novelties, overlap = novelty_of(model.training_text(), texts)
    parts = [
        f"<pre>{escape(one.text)}</pre>\n<p class=quiet>longest copy: {one.novelty.longest_copy} {symbols}, "
        f"{escape(repr(one.novelty.copied[:_COPIED]))}, {escape(one.place)}</p>"
        for one in novelties
    ]
    if overlap is not None:
        parts.append(
            f"<p class=quiet>Held-out texts of this length have copies of {overlap.longest_copy:.0f} "
            "on average: about as much is chance.</p>"
        )
    return "\n".join(parts)


def _protocols(model: TextModel, valid: Encoded) -> list[str]:
    if model.codec.end is not None:
        return ["items"]
    return ["contiguous", "windows"] if len(valid.ids) > 1000 else ["contiguous"]


def _evaluate(model: TextModel, valid: Encoded, protocol: Any) -> Evaluation:
    windows = _WINDOWS if protocol == "windows" else None
    method = Measuring.of(model.codec, protocol, windows=windows, seed=None, shard=None)
    characters = max(1, len(model.codec.decode(valid.ids.tolist())))
    return method.measure(model.network, valid, characters, None, items=model.codec.end is not None).evaluation()


def _affordable(model: TextModel, texts: Encoded) -> int:
    """Return the number of symbols that can be measured in the time allowed."""
    if len(texts.ids) <= _LEAST:
        return _LEAST
    few, taken = _beginning(texts, _TRIED), float("inf")
    for _ in range(2):  # the first one warms up
        began = time.perf_counter()
        _evaluate(model, few, _protocols(model, few)[0])
        taken = min(taken, time.perf_counter() - began)
    most = _HELD_OUT
    while most > _LEAST and taken / len(few.ids) * most > _SECONDS:
        most //= 2
    return most


def _beginning(texts: Encoded, most: int) -> Encoded:
    """Return the first held-out texts with at most ``most`` symbols in all, at least one; a sole text is cut."""
    if len(texts.ids) <= most:
        return texts
    if texts.texts == 1:
        return Encoded(texts.ids[:most], np.array([0, most]))
    return texts.part(0, max(1, int(np.searchsorted(texts.offsets, most, side="right")) - 1))
