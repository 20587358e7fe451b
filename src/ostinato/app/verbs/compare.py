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
from ostinato.app.process import prepare_torch
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.app.terminal.working import WorkView
from ostinato.engine.threads import check_threads
from ostinato.errors import ConfigError
from ostinato.families import find_recipe
from ostinato.runs import RunFolder, SavedModel, read_model

EXAMPLES = """\
ostinato compare runs/lstm runs/gru
ostinato compare runs/lstm runs/gru held-out.txt
ostinato compare runs/* --plot curves.svg
"""


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
    paths = [path for path in args.names if _is_model(path)]
    files = [str(path) for path in args.names if not _is_model(path)]
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
    prepare_torch(args.threads)
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
    """Print a table with a column for each model."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in about["runs"]:
        table.add_column(escape(shown(Path(name).name)))
    for name, values in about["settings"].items():
        table.add_row(name, *("" if value is None else escape(json.dumps(value)) for value in values))
    losses = [loss_with_error(best) if "nats_per_symbol" in best else "" for best in about["best"]]
    units = [find_recipe(model.config["recipe"]).family.unit for model in models]
    table.add_row(f"best validation, bits per {units[0]}" if len(set(units)) == 1 else "best validation, bits", *losses)
    for name in _shared_numbers(about["evaluations"] or []):
        table.add_row(name, *(f"{plain[name]:.4f}" for plain in about["evaluations"]))
    Console().print(table, highlight=False)
    if not about["is_comparable"] and not about["evaluations"]:
        print("The validation losses are of other text, or of other symbols: name a file to measure all on the same.")


def _shared_numbers(plain: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of figures that all evaluations have, and that are no counts."""
    if not plain:
        return []
    return [name for name in plain[0] if all(isinstance(one.get(name), float) for one in plain)]
