"""``compare``: runs beside each other: settings that differ, losses on the same text, curves in one picture."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from ostinato.app.options import groups
from ostinato.app.options.sources import add_reading, sources_of
from ostinato.app.parser import run_path
from ostinato.app.plotting import check_picture, plot_runs
from ostinato.app.process import prepare_torch, threads_to_measure
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.app.terminal.working import WorkView
from ostinato.engine.threads import check_threads
from ostinato.errors import ConfigError
from ostinato.families import find_recipe
from ostinato.runs import RunFolder, SavedModel, read_model
from ostinato.units import bits

EXAMPLES = """\
ostinato compare runs/lstm runs/gru
ostinato compare runs/lstm runs/gru held-out.txt
ostinato compare runs/cores held-out.txt --plot curves.svg
"""
_WIDTH = 1000  # characters
_LEFT_BY_SWEEPS = (".svg", ".png", ".pdf", ".json")
_TOLD_OTHERWISE = ("bits_per_", "standard_error", "perplexity", "estimate_error")


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument(
        "names",
        nargs="+",
        type=run_path,
        metavar="RUN",
        help="run folders or model files; then, if you like, files of held-out data",
    )
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw their validation curves: .svg, .png or .pdf")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    add_reading(command)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Show what differs between runs, in settings and in losses."""
    names = [own for path in args.names for own in _runs_in(path)]
    paths = [path for path in names if _is_model(path)]
    files = [str(path) for path in names if not _is_model(path)]
    if len(paths) < 2:
        raise ConfigError("compare needs two runs or model files at least; 'ostinato runs' lists those there are")
    if args.plot is not None:
        check_picture(args.plot)
        if others := [path for path in paths if path.is_file()]:
            raise ConfigError(f"--plot draws the course of training, and {others[0]} is a model file, which holds none")
    models = [read_model(path) for path in paths]
    for warning in (warning for model in models for warning in model.warnings):
        print(f"warning: {shown(warning)}", file=sys.stderr)
    about: dict[str, Any] = {
        "runs": [str(path) for path in paths],
        "settings": _differing(models),
        "best": [model.best for model in models],
        "is_comparable": len({str(model.config["validation"]["sha256"]) for model in models}) == 1,
        "evaluations": _evaluations(args, models, files) if files else None,
    }
    if args.plot is not None:
        plot_runs([RunFolder(path) for path in paths], args.plot)
        print(f"{args.plot}: validation curves", file=sys.stderr)
    if args.json:
        print(as_json(about))
    else:
        _print(about, models)
    return 0


def _runs_in(path: Path) -> list[Path]:
    """Return a path, or the runs of a folder of runs such as a sweep's; nothing for what a sweep leaves beside them.

    Raises:
        ConfigError: There is nothing of this name.
    """
    if path.suffix.lower() in _LEFT_BY_SWEEPS:
        return []
    if not path.exists():
        raise ConfigError(f"there is no run and no file {str(path)!r}; 'ostinato runs' lists the runs there are")
    if path.is_dir() and not _is_model(path) and (runs := sorted(path.glob("*/config.json"))):
        return [run.parent for run in runs]
    return [path]


def _is_model(path: Path) -> bool:
    return (path / "config.json").is_file() or (path.is_file() and path.suffix == ".safetensors")


def _differing(models: Sequence[SavedModel]) -> dict[str, list[Any]]:
    """Return the settings that differ, with the value of each model; ``None``: it has no such setting."""
    rows = [
        {"recipe": model.config["recipe"], **model.config["settings"], "seed": model.config.get("seed")}
        for model in models
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row.get(name) for row in rows] for name in names}
    return {name: own for name, own in values.items() if any(value != own[0] for value in own)}


def _evaluations(args: Namespace, models: Sequence[SavedModel], files: Sequence[str]) -> list[dict[str, Any]]:
    """Measure each model on the same files, as ``evaluate`` does."""
    if args.threads is not None:
        check_threads(args.threads)
    prepare_torch(threads_to_measure(args.threads))
    from ostinato.workshop.holding import load

    plain = []
    for saved in models:
        model = load(saved.path, device=args.device, threads=args.threads)
        model.check_verb("evaluate")
        with WorkView(Console(stderr=True), f"measuring {saved.path.name}") as view:
            corpus = model.read(sources_of(args, files, {}, view, part="test"))
            plain.append(model.evaluate_on(corpus, {"unknown": args.unknown}, view.watch).plain())
    return plain


def _print(about: Mapping[str, Any], models: Sequence[SavedModel]) -> None:
    """Print a table with a row for each model."""
    units = {find_recipe(model.config["recipe"]).family.unit for model in models}
    unit = f"bits per {units.pop()}" if len(units) == 1 else "bits"
    table = Table(box=None, padding=(0, 2, 0, 0))
    figures = [_figures(plain) for plain in about["evaluations"] or [{}] * len(models)]
    shared = [name for name in figures[0] if all(name in own for own in figures)]
    for head in ("", *about["settings"], "weights", "step", f"validation, {unit}", *shared):
        table.add_column(head)
    for number, (name, model) in enumerate(zip(_names(about["runs"]), models, strict=True)):
        settings = (values[number] for values in about["settings"].values())
        weights = sum(array.size for array in model.weights.values())
        table.add_row(
            escape(shown(name)),
            *("" if value is None else escape(json.dumps(value)) for value in settings),
            f"{weights:,}",
            f"{model.best.get('step', 0):,}",
            loss_with_error(model.best) if "nats_per_symbol" in model.best else "",
            *(figures[number][name] for name in shared),
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)  # nothing is cut off in a file or a pipe
    console.print(table, highlight=False)
    if not about["is_comparable"] and not about["evaluations"]:
        print("The validation losses are of other text, or of other symbols: name a file to measure all on the same.")


def _names(paths: Sequence[str]) -> list[str]:
    """Return the last parts of paths, as many as tell them apart."""
    for parts in range(1, max(len(Path(path).parts) for path in paths)):
        names = ["/".join(Path(path).parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return list(paths)


def _figures(plain: Mapping[str, Any]) -> dict[str, str]:
    """Return the figures of an evaluation that are no counts, as they are shown: losses in bits, with their error."""
    figures = {}
    for name, value in plain.items():
        if not isinstance(value, float) or name.startswith(_TOLD_OTHERWISE):
            continue
        per = name.removeprefix("nats_per_")
        if per == name:
            figures[name.replace("_", " ")] = f"{value:.4f}"
        else:
            error = plain.get("standard_error") if not figures else None
            about = f" ± {bits(error):.4f}" if isinstance(error, float) else ""
            figures[f"bits per {per.replace('_', ' ')}"] = f"{bits(value):.4f}{about}"
    return figures
