"""Learning curves of a run, and counts over tunes, as pictures."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.app.terminal.output import write_file
from ostinato.errors import ConfigError, RunError
from ostinato.music.population import DEGREES, Population
from ostinato.runs import RunFolder
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.pairs.results import Translation

_FORMATS = (".svg", ".png", ".pdf")
_CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "train_nats_per_symbol": ("training, dropout included", {"color": "tab:gray", "linestyle": ":"}),
    "valid_nats_per_symbol": ("validation, weights", {"color": "tab:blue", "marker": ".", "alpha": 0.6}),
    "valid_average_nats_per_symbol": ("validation, averaged weights", {"color": "tab:red", "marker": "."}),
}

_RARE = 0.004  # share of what is not drawn
_MOST_BARS, _FLAT = 24, 16  # bars in a picture; up to how many of which their names stand upright
_PARTS = 10**9  # that shares are rounded to
_COUNTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "pitches": ("notes, by degree of the scale", DEGREES.index),
    "intervals": ("steps, in semitones", int),
    "durations": ("lengths, in whole notes", Fraction),
    "transitions": ("degrees that follow each other", lambda pair: [DEGREES.index(one) for one in pair.split()]),
}


def plot_run(run: RunFolder, target: Path) -> None:
    """Draw a run's losses, in bits per symbol, over training steps.

    Raises:
        ConfigError: The file's ending names no picture, or matplotlib is not installed.
        RunError: There is nothing to draw yet, or the file cannot be written.
    """
    records = run.metrics()
    if not records:
        raise RunError(f"{run.path} has no evaluations to draw yet")
    with _figure(target, (7, 4.2)) as figure:
        _draw(figure.subplots(), run, records)


def plot_runs(runs: Sequence[RunFolder], target: Path) -> None:
    """Draw the validation losses of runs in one picture, in bits, over training steps; errors as of ``plot_run``."""
    with _figure(target, (7, 4.2)) as figure:
        place = figure.subplots()
        for run in runs:
            points = [(record["step"], _best_of(record)) for record in run.metrics()]
            curve = [(step, bits(nats)) for step, nats in points if nats is not None]
            if not curve:
                raise RunError(f"{run.path} has no evaluations to draw yet")
            place.plot(*zip(*curve, strict=True), marker=".", label=run.path.name)
        place.set_xlabel("training steps")
        place.set_ylabel("validation loss, in bits")
        place.legend(frameon=False)


def _best_of(record: Mapping[str, Any]) -> float | None:
    """Return the better validation loss of an evaluation, in nats: of the weights, or of their average."""
    losses = [record["valid_nats_per_symbol"], record["valid_average_nats_per_symbol"]]
    return min((loss for loss in losses if loss is not None), default=None)


def plot_populations(populations: Mapping[str, Population], target: Path) -> None:
    """Draw the counts of populations of tunes beside each other, as shares; errors as of ``plot_run``."""
    with _figure(target, (10, 7)) as figure:
        axes = figure.subplots(2, 2).ravel()
        for place, (kind, (title, order)) in zip(axes, _COUNTS.items(), strict=True):
            _bars(place, {name: vars(one)[kind] for name, one in populations.items()}, title, order)
        axes[0].legend(frameon=False)


def check_picture(target: Path, *others: str) -> None:
    """Check that a picture can be written with this ending, or one of ``others``.

    Raises:
        ConfigError: It cannot.
    """
    known = (*_FORMATS, *others)
    if target.suffix.lower() not in known:
        raise ConfigError(f"--plot {target}: a picture ends in one of {', '.join(known)}")


def plot_attention(found: Translation, target: Path) -> None:
    """Draw what of a source was read for each symbol of its target; errors as of ``plot_run``."""
    assert found.attention is not None
    size = (1.5 + 0.4 * len(found.source_symbols), 1.5 + 0.35 * len(found.symbols))
    with _figure(target, size) as figure:
        axes = figure.subplots()
        axes.imshow(found.attention, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(found.source_symbols)), [one.strip() or "␣" for one in found.source_symbols])
        axes.set_yticks(range(len(found.symbols)), [one.strip() or "␣" for one in found.symbols[:-1]] + ["end"])
        axes.tick_params(axis="x", labelrotation=60)
        axes.set(xlabel="source", ylabel="target")


def _bars(axes: Any, counts: Mapping[str, Counter[str]], title: str, order: Callable[[str], Any]) -> None:
    """Bars of what is frequent in one of them, a colour for each."""
    most: Counter[str] = Counter()
    for one in counts.values():
        most |= Counter({key: round(_PARTS * n / max(1, one.total())) for key, n in one.items()})
    often = [key for key, n in most.most_common(_MOST_BARS) if n > _RARE * _PARTS]
    keys = sorted(often, key=order)
    wide = 0.8 / len(counts)
    for number, (name, one) in enumerate(counts.items()):
        shares = [one[key] / max(1, one.total()) for key in keys]
        axes.bar([place + number * wide for place in range(len(keys))], shares, wide, label=name)
    many = len(keys) > _FLAT
    middles = [place + 0.4 - wide / 2 for place in range(len(keys))]
    axes.set_xticks(middles, keys, fontsize=8, rotation=90 if many else 0)
    axes.set(title=title, ylabel="share")
    axes.grid(axis="y", alpha=0.3)


@contextmanager
def _figure(target: Path, size: tuple[float, float]) -> Iterator[Any]:
    """A figure to draw on, which is written when the ``with`` block ends; errors as of ``plot_run``."""
    check_picture(target)
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("--plot needs matplotlib: pip install '.[plot]' in the checkout") from error
    with matplotlib.rc_context({"svg.hashsalt": "ostinato", "svg.fonttype": "none"}):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        ending, drawn = target.suffix.lower().removeprefix("."), io.BytesIO()
        figure.savefig(drawn, format=ending, metadata={"Date": None} if ending == "svg" else None, dpi=150)
        write_file(target, drawn.getvalue())


def _draw(axes: Any, run: RunFolder, records: list[dict[str, Any]]) -> None:
    for name, (label, style) in _CURVES.items():
        points = [(record["step"], bits(record[name])) for record in records if record.get(name) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, **style)
    best = [record for record in records if record.get("is_best")]
    if best:
        step, value = best[-1]["step"], bits(best[-1]["best_nats_per_symbol"])
        axes.axhline(value, color="tab:red", linewidth=0.5)
        axes.annotate(f"best {value:.3f}", (step, value), xytext=(0, -14), textcoords="offset points", ha="right")
    axes.set(xlabel="training steps", ylabel="bits per symbol", title=run.path.name)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
