"""A report on a finished run: how good it is and beside what, its learning curve, and advice on what to change next."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.data import Encoded
from ostinato.errors import ConfigError
from ostinato.families.verdict import Verdict
from ostinato.runs import RunFolder, SavedModel
from ostinato.units import bits


@dataclass(frozen=True)
class Figure:
    """A figure of a model, or of a baseline beside it.

    Attributes:
        name: Name of what it measures, and of whose.
        value: The figure, in the report's unit.
        error: Its standard error; ``None`` if it has none.
        note: A remark on it.
        is_own: Whether it is of the model, not of a baseline.
    """

    name: str
    value: float
    error: float | None = None
    note: str = ""
    is_own: bool = True

    @property
    def remark(self) -> str:
        """Its standard error, or the remark on it."""
        return self.note if self.error is None else f"± {self.error:.3f}"


@dataclass(frozen=True)
class Section:
    """A part of a report's page.

    Attributes:
        title: Its heading.
        html: The text under it, as HTML.
    """

    title: str
    html: str


@dataclass(frozen=True)
class Report:
    """Report on a run.

    Attributes:
        name: Name of the run.
        unit: Unit of the figures, such as ``"bits per symbol"``.
        measured_on: The part of the data that they were measured on, such as ``"the first 1,000 held-out symbols"``.
        figures: Figures of the model, then those of baselines.
        remark: Remark on how to read them.
        records: The evaluations during training, as in metrics.jsonl.
        verdict: Verdict on their learning curve.
        unit_of_loss: The unit that losses of the curve are per, such as ``"symbol"``.
        sections: Further parts of the page.
        notes: Sentences about the run that are shown under the figures.
        digits: Digits of figures after the point.
    """

    name: str
    unit: str
    measured_on: str
    figures: tuple[Figure, ...]
    remark: str
    records: tuple[dict[str, Any], ...]
    verdict: Verdict
    unit_of_loss: str = "symbol"
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    digits: int = 3

    def shown(self, value: float) -> str:
        """Return a figure as it is shown."""
        return f"{value:.{self.digits}f}"

    @property
    def advice(self) -> str:
        """The verdict, and what to change next, in a sentence each."""
        summary = self.verdict.summary
        return f"{summary[:1].upper()}{summary[1:]}. To change next: {'; '.join(self.verdict.advice)}."


def held_out(saved: SavedModel) -> tuple[RunFolder, Encoded, Encoded]:
    """Return a run with its training data and what was held out.

    Raises:
        ConfigError: It is a model file, which holds none.
        RunError: They are no longer in the cache.
    """
    if saved.path.is_file():
        raise ConfigError(f"{saved.path} is a model file, which holds no data to report on; give the run folder")
    run = RunFolder(saved.path)
    train, valid = run.corpus()
    return run, train, valid


def validation_loss(best: dict[str, Any], unit: str) -> str:
    """Return a sentence with the validation loss that ``runs`` and ``info`` show too."""
    if "nats_per_symbol" not in best:
        return ""
    error = f" ± {bits(best['standard_error']):.3f}" if best.get("standard_error") is not None else ""
    return f"validation, as in runs: {bits(best['nats_per_symbol']):.3f}{error} bits per {unit}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in HTML; a cell that begins with a digit is set to the right. Text is escaped."""
    return (
        "<table><tr>"
        + "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        + "</tr>"
        + "".join(
            "<tr>"
            + "".join(f"<td{' class=n' if cell[:1].isdigit() else ''}>{html.escape(cell)}</td>" for cell in row)
            + "</tr>"
            for row in rows
        )
        + "</table>"
    )
