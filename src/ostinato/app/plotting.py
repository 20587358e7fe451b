"""A run's learning curves as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ostinato.decode.units import bits
from ostinato.errors import ConfigError, RunError
from ostinato.runs import RunFolder

_FORMATS = (".svg", ".png", ".pdf")
_CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "train_nats_per_symbol": ("training, dropout included", {"color": "tab:gray", "linestyle": ":"}),
    "valid_nats_per_symbol": ("validation, weights", {"color": "tab:blue", "marker": ".", "alpha": 0.6}),
    "valid_average_nats_per_symbol": ("validation, averaged weights", {"color": "tab:red", "marker": "."}),
}


def plot_run(run: RunFolder, target: Path) -> None:
    """Draw a run's losses, in bits per symbol, over training steps.

    Raises:
        ConfigError: The file's ending names no picture, or matplotlib is not installed.
        RunError: There is nothing to draw yet, or the file cannot be written.
    """
    if target.suffix.lower() not in _FORMATS:
        raise ConfigError(f"--plot {target}: a picture ends in one of {', '.join(_FORMATS)}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("--plot needs matplotlib: pip install 'ostinato[plot]'") from error
    records = run.metrics()
    if not records:
        raise RunError(f"{run.path} has no evaluations to draw yet")
    with matplotlib.rc_context({"svg.hashsalt": "ostinato", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        _draw(figure.subplots(), run, records)
        try:
            figure.savefig(target, metadata={"Date": None} if target.suffix.lower() == ".svg" else None, dpi=150)
        except OSError as error:
            raise RunError(f"{target} cannot be written: {error.strerror}") from error


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
