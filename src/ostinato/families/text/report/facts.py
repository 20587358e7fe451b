"""A report on a finished run: its losses, baselines, learning curve and samples, and advice on what to change next."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.engine.kernels import Compiling
from ostinato.errors import ConfigError
from ostinato.families.text.measuring import Measuring
from ostinato.families.text.model import TextModel
from ostinato.families.text.novelty import QUICK, NoveltyReport
from ostinato.families.text.novelty import report as novelty_of
from ostinato.families.text.report.baselines import MOST, Baseline, measure_baselines
from ostinato.families.text.report.verdict import Verdict, read_curve
from ostinato.families.text.results import HeldOutOverlap
from ostinato.runs import RunFolder
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


@dataclass(frozen=True)
class Report:
    """Report on a run.

    Attributes:
        name: Name of the run.
        best: The validation loss that ``runs`` and ``info`` show too, as it stands in best.json.
        symbol: Kind of the symbols, such as ``"characters"``.
        evaluations: Evaluations by each protocol, with their standard errors.
        baselines: Baselines to compare the loss with.
        records: The evaluations during training, as in metrics.jsonl.
        verdict: Verdict on their learning curve.
        samples: Texts that the model writes, with their novelty if it was measured.
        held_out: Overlap of held-out text with the training text, to compare the novelty with.
    """

    name: str
    best: dict[str, Any]
    symbol: str
    evaluations: tuple[Evaluation, ...]
    baselines: tuple[Baseline, ...]
    records: tuple[dict[str, Any], ...]
    verdict: Verdict
    samples: tuple[NoveltyReport | str, ...]
    held_out: HeldOutOverlap | None

    def own_losses(self) -> list[tuple[str, float, float | None]]:
        """Return the model's losses: the name of each, bits per symbol, and their standard error."""
        losses = [("validation, as in runs", self.best.get("nats_per_symbol"), self.best.get("standard_error"))]
        losses += [(each.protocol, each.nats_per_symbol, each.standard_error) for each in self.evaluations]
        return [
            (f"this model, {method}", bits(nats), None if error is None else bits(error))
            for method, nats, error in losses
            if nats is not None
        ]


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


def report_on(
    model: TextModel, *, doing: Callable[[str], None] | None = None, compiling: Compiling | None = None
) -> Report:
    """Make the report on a run.

    Args:
        model: Model of a run folder.
        doing: Called with what is being done.
        compiling: Called with what is about to be compiled.

    Raises:
        ConfigError: It is a model file, which holds no texts.
        RunError: The run's texts are no longer in the cache.
    """
    path = model.saved.path
    if path.is_file():
        raise ConfigError(f"{path} is a model file, which holds no texts to report on; give the run folder")
    tell = doing or (lambda what: None)
    run = RunFolder(path)
    train, valid = run.corpus()
    tell("measuring")
    valid = _beginning(valid, _affordable(model, valid))
    evaluations = tuple(_evaluate(model, valid, protocol) for protocol in _protocols(model, valid))
    tell("measuring compressors and counts beside it")
    beside = measure_baselines(model.codec, train, valid, compiling=compiling)
    tell("writing samples")
    of_items = model.codec.end is not None
    written = model.generate_all(
        [""], samples=_ITEMS if of_items else _SAMPLES, length=_LENGTH, seed=1, temperature=_TEMPERATURE
    )
    texts = [sample.text for sample in written]
    samples: tuple[NoveltyReport | str, ...] = tuple(texts)
    held_out = None
    if len(train.ids) <= QUICK:
        novelties, held_out = novelty_of(model.training_text(), texts)
        samples = tuple(novelties)
    records = tuple(run.metrics())
    return Report(
        name=path.name,
        best=model.saved.best,
        symbol=model.codec.name,
        evaluations=evaluations,
        baselines=tuple(beside),
        records=records,
        verdict=read_curve(records, model.settings, taught=bool(model.saved.origin.get("teachers"))),
        samples=samples,
        held_out=held_out,
    )


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
