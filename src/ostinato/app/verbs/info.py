"""``info``: all about a run or a model file. Needs no PyTorch."""

from __future__ import annotations

import json
import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ostinato import codecs
from ostinato.app.describing import status_of, unit_of
from ostinato.app.options import groups
from ostinato.app.parser import run_path
from ostinato.app.plotting import plot_run
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.errors import ConfigError
from ostinato.families import RECIPES
from ostinato.runs import RunFolder, read_model

EXAMPLES = """\
ostinato info runs/book
ostinato info runs/book --plot curves.svg
ostinato info runs/book runs/names --json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("others", nargs="*", type=run_path, metavar="RUN", help="more runs")
    command.add_argument("--json", action="store_true", help="one object per run on standard output")
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw its learning curves: .svg, .png or .pdf")


def act(args: Namespace) -> int:
    """Tell all about runs or model files."""
    paths = (args.run, *args.others)
    abouts = [_about(path) for path in paths]
    if args.plot is not None:
        _plot(args)
    for number, (path, about) in enumerate(zip(paths, abouts, strict=True)):
        if args.json:
            print(as_json(about))
            continue
        if number:
            print()
        _print(about)
        if about["recipe"] in RECIPES:
            print_next(RECIPES[about["recipe"]].family.next_commands(shlex.quote(str(path))))
    return 0


def _plot(args: Namespace) -> None:
    if args.others:
        raise ConfigError("--plot draws one run; 'ostinato compare RUN RUN --plot FILE' draws several in one picture")
    if not args.run.is_dir():
        raise ConfigError(f"--plot draws the course of training, which a model file such as {args.run} does not hold")
    run = RunFolder(args.run)
    plot_run(run, args.plot)
    print(f"{args.plot}: learning curves of {run.path}", file=sys.stderr)


def _about(path: Path) -> dict[str, Any]:
    """Return all about a run or a model file, as plain data."""
    model = read_model(path, untrained=True)
    for warning in model.warnings:
        print(f"warning: {shown(warning)}", file=sys.stderr)
    run = RunFolder(path) if path.is_dir() else None
    codec = codecs.from_json(model.codec)
    return {
        "path": str(path),
        "recipe": model.config["recipe"],
        "parameters": sum(array.size for array in model.weights.values()),
        "codec": codec.name,
        "vocabulary": codec.size,
        "symbols": codec.symbols,
        "best": model.best,
        "validation": model.config["validation"],
        "training": _training(run),
        "novelty": None if run is None else run.novelty(),
        "settings": model.config["settings"],
        "origin": model.origin,
    }


def _training(run: RunFolder | None) -> dict[str, Any] | None:
    if run is None:
        return None
    metrics = run.metrics()
    last = metrics[-1] if metrics else {}
    return {"status": status_of(run), "checkpoints": run.steps(), "last_evaluation": last}


def _print(about: dict[str, Any]) -> None:
    best, origin, training, novelty = about["best"], about["origin"], about["training"], about["novelty"]
    s = about["settings"]
    name, recipe = Path(about["path"]).name, about["recipe"]
    known = RECIPES.get(recipe)
    network = "of an unknown recipe" if known is None else known.family.describe_network(known.parse(s))
    _print_line(f"{name}: {recipe}, {network}, {about['parameters']:,} parameters, {about['symbols']}")
    names = ", ".join(f"{source['name']} ({source['bytes']:,} bytes)" for source in origin["sources"])
    names = names or "examples that the recipe makes"
    _print_line(f"data: {names}")
    if "nats_per_symbol" in best:
        nats = best["nats_per_symbol"]
        weights = "averaged weights" if best["weights"] == "average" else "weights as trained"
        unit, part = unit_of(about["recipe"]), about["validation"]
        _print_line(
            f"best: {loss_with_error(best)} bits per {unit} ({nats:.4f} nats) at step {best['step']:,}, {weights}; "
            f"validated on {part['symbols']:,} of {part['held_out']:,} {unit}s held out"
        )
    if training is not None:
        last = training["last_evaluation"]
        _print_line(f"training: {training['status']}, {last.get('epochs', 0):.2f} epochs", end="")
        _print_line(f", checkpoints at steps {', '.join(map(str, training['checkpoints']))}")
    if novelty is not None:
        _print_line(
            f"novelty: of {novelty['samples']:,} sampled items {novelty['new']:,} are new (not among the training "
            f"items), {novelty['distinct']:,} are distinct"
        )
    _print_line("settings: " + ", ".join(f"{name}={json.dumps(value)}" for name, value in s.items()))
    if origin.get("plugin") is not None:
        _print_line(f"plug-in: {origin['plugin']['name']}, SHA-256 {origin['plugin']['sha256']}")
    versions = ", ".join(f"{name} {number}" for name, number in origin["versions"].items())
    command = origin["command"] or "the Python API"
    _print_line(f"made by: {command} ({versions}, Python {origin['python']})")


def _print_line(text: str, end: str = "\n") -> None:
    print(shown(text), end=end)
