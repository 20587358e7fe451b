"""Training kept in pictures: one text, one seed and some labels through all kept weights of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError, RunError
from ostinato.families.machine import Machine
from ostinato.families.text.inspecting.recording import check_single, record_ids
from ostinato.inspect.finding import FoundUnit, find_in, find_units
from ostinato.inspect.labels import Labels
from ostinato.inspect.recording import Recording
from ostinato.inspect.views import MOST_ON_PAGE, Coloured, View, cut_note, one_line
from ostinato.runs import RunFolder, read_model
from ostinato.runs.series import Series
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

_WRITTEN, _SEED, _TEMPERATURE = 300, 1, 0.8  # of the text that each step writes
_FULL = 8.0  # bits that are shown in the fullest colour


@dataclass(frozen=True)
class SeriesStep:
    """A model at one step of training.

    Attributes:
        step: The step.
        bits: Bits of each symbol of the text, [T].
        written: The text that it writes, always with the same seed.
        units: For each label the unit that tells it best in the end, with the score that it has at this step.
    """

    step: int
    bits: NDArray[np.float64]
    written: str
    units: Sequence[FoundUnit]

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        units = [{"label": one.label, **one.place(), one.measure: one.score} for one in self.units]
        return {"step": self.step, "bits_per_symbol": float(self.bits.mean()), "units": units, "written": self.written}


def series_of(
    model: TextModel,
    ids: NDArray[np.int64],
    labels: Mapping[str, Labels],
    tick: Callable[[int, int], None] | None = None,
) -> list[SeriesStep]:
    """Return a model at every kept step of its training.

    Args:
        model: The model, of a run folder.
        ids: The text that is read.
        labels: Labels of its characters, whose best units in the end are followed back.
        tick: Called with the number of steps looked at so far, and in all.

    Raises:
        ConfigError: The run kept no series.
    """
    check_single(model)
    series = Series.in_run(model.saved.path) if model.saved.path.is_dir() else None
    if series is None or not series.steps:
        raise ConfigError(
            f"{model.saved.path} kept no weights of its training; a run does that with 'ostinato train … --series'"
        )
    followed: list[FoundUnit] = []
    told: list[SeriesStep] = []
    for number, step in enumerate(reversed(series.steps)):  # from the end, whose best units are followed back
        own = type(model)(replace(model.saved, weights=series.load(step)), machine=model.machine)
        recording = record_ids(own, ids)
        if labels and not followed:
            followed = find_in(recording, labels, count=1)
        written = own.generate(length=_WRITTEN, seed=_SEED, temperature=_TEMPERATURE).text
        lost = -bits(1.0) * recording.expected(1).log_probs
        units = [_at_this_step(recording, one, labels) for one in followed]
        told.append(SeriesStep(step, np.asarray(lost, dtype=np.float64), written, units))
        if tick is not None:
            tick(number + 1, len(series.steps))
    return told[::-1]


def model_at(path: Path, device: str) -> TextModel:
    """Open a run or model file; ``RUN@STEP``: with the weights that the run kept at a step.

    Raises:
        ConfigError: It is no language model.
        RunError: There is none, or it keeps no weights of that step.
    """
    from ostinato.families.text.model import TextModel

    run, at, step = str(path).rpartition("@")
    if path.exists() or not at or not step.isdecimal():
        return TextModel.open(path, device=device)
    series = Series.in_run(Path(run))
    if series is not None and int(step) in series.steps:
        weights = series.load(int(step))
    else:
        folder = RunFolder(Path(run))
        if int(step) not in folder.steps():
            kept = sorted({*folder.steps(), *(series.steps if series else ())})
            raise RunError(f"{run} keeps no weights of step {step}; it has those of {', '.join(map(str, kept))}")
        weights = folder.load(int(step)).snapshot.weights
    return TextModel(replace(read_model(Path(run)), weights=weights), machine=Machine(device))


def _at_this_step(recording: Recording, unit: FoundUnit, labels: Mapping[str, Labels]) -> FoundUnit:
    """Return a unit with the score that it has in a recording."""
    values = recording.arrays[unit.part][1:, unit.layer, unit.unit][None]  # [1, T]
    of_symbols = {unit.label: recording.labels_of(labels[unit.label])}
    (own,) = find_units([values], [(unit.part, unit.layer, unit.unit)], of_symbols, count=1)
    return own


def series_view(steps: Sequence[SeriesStep], symbols: Sequence[str]) -> View:
    """Return the view of a model through its training, while it reads some symbols."""
    names = [f"{one.label} {one.name}" for one in steps[-1].units]
    shown = slice(MOST_ON_PAGE)
    last = steps[-1].bits
    return View(
        name="series",
        title="Through training",
        columns=("step", "bits_per_symbol", *names, "written"),
        rows=lambda: (
            (
                one.step, f"{one.bits.mean():.3f}", *(f"{unit.score:.3f}" for unit in one.units),
                one_line(one.written[:80]),
            )
            for one in steps
        ),
        objects=lambda: (one.plain() for one in steps),
        coloured=(Coloured(f"surprise at step {steps[-1].step:,}", symbols, np.minimum(1, last / _FULL), "heat"),),
        facts={
            "symbols": list(symbols[shown]),
            "steps": [
                {
                    "step": one.step,
                    "mean": float(one.bits.mean()),
                    "bits": np.round(one.bits[shown], 3).tolist(),
                    "written": one.written,
                    "found": [
                        {"label": unit.label, "unit": unit.name, "score": unit.score, "measure": unit.measure}
                        for unit in one.units
                    ],
                }
                for one in steps
            ],
        },
        notes=(
            f"{len(steps)} steps of training, with the weights as they were, not their average; each writes with the "
            f"seed {_SEED}; sums and labels are of {len(symbols):,} symbols",
            *cut_note(len(symbols)),
        ),
    )  # fmt: skip
