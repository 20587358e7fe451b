"""``info``, ``runs``, ``export`` and ``recipes``: what needs no PyTorch."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato import codecs
from ostinato.app.losses import loss_with_error
from ostinato.app.output import as_json, shown
from ostinato.app.plotting import plot_run
from ostinato.decode.units import bits
from ostinato.engine.cpu import trains_fast
from ostinato.errors import ConfigError, OstinatoError
from ostinato.families import RECIPES, Budget, find_recipe
from ostinato.runs import RunFolder, read_model
from ostinato.runs import export as export_model
from ostinato.workshop.budget import DEFAULT_MINUTES

_USUAL_SYMBOLS = 1_000_000


def info(args: Namespace) -> int:
    """Tell all about a run or a model file."""
    model = read_model(args.run, untrained=True)
    for warning in model.warnings:
        print(f"warning: {shown(warning)}", file=sys.stderr)
    run = RunFolder(args.run) if args.run.is_dir() else None
    if args.plot is not None:
        if run is None:
            raise ConfigError(
                f"--plot draws the course of training, which a model file such as {args.run} does not hold"
            )
        plot_run(run, args.plot)
        print(f"{args.plot}: learning curves of {run.path}", file=sys.stderr)
    codec = codecs.from_json(model.codec)
    about: dict[str, Any] = {
        "path": str(args.run),
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
    if args.json:
        print(as_json(about))
    else:
        _show(about)
    return 0


def runs(args: Namespace) -> int:
    """List the runs in a folder."""
    rows = []
    for path in sorted(p.parent for p in args.folder.glob("[!.]*/config.json")):
        try:
            rows.append(_row(RunFolder(path)))
        except (OstinatoError, OSError) as error:
            print(f"warning: {shown(error)}", file=sys.stderr)
    if args.json:
        for row in rows:
            print(as_json(row))
    elif not rows:
        print(f"no runs in {args.folder}; 'ostinato train CORPUS' makes one")
    else:
        _show_runs(rows)
    return 0


def _show_runs(rows: Sequence[dict[str, Any]]) -> None:
    """Print runs, best first among those validated on the same symbols; others are not ranked against each other."""
    width = max(len(row["path"]) for row in rows)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["validation_sha256"], []).append(row)
    for group in groups.values():
        unit = _unit(group[0]["recipe"])
        if len(groups) > 1:
            print(f"validated on {group[0]['validation_symbols']:,} {unit}s of {shown(group[0]['data'])}")
        for row in sorted(group, key=_loss_of):
            loss = "" if row["best"] is None else f"{loss_with_error(row['best'], 3)} bits per {unit}"
            name, recipe = shown(row["path"]), shown(row["recipe"])
            print(f"{name:<{width}}  {recipe:<8}  step {row['step']:>7,}  {row['status']:<10}  {loss}")
    if len(groups) > 1:
        print("Only runs of one group can be compared: others were validated on other text, or in other symbols.")


def _loss_of(row: Mapping[str, Any]) -> float:
    return math.inf if row["best"] is None else row["best"]["nats_per_symbol"]


def export(args: Namespace) -> int:
    """Put a run's best model into one file."""
    model = read_model(args.run)
    for warning in model.warnings:
        print(f"warning: {shown(warning)}", file=sys.stderr)
    export_model(model, args.file)
    print(f"{args.file}: {args.file.stat().st_size:,} bytes; every command takes it in place of the run folder")
    return 0


def recipes(args: Namespace) -> int:
    """List recipes, or the settings of one."""
    if args.name is None:
        for recipe in RECIPES.values():
            print(f"{recipe.name:<10} {recipe.summary}")
        return 0
    recipe = find_recipe(args.name)
    usual = Budget(_USUAL_SYMBOLS, items=False, minutes=DEFAULT_MINUTES, compiled=trains_fast())
    chosen = recipe.choose(usual, {})
    print(f"{recipe.name}: {recipe.summary}\nsource: {recipe.source}\n\nsettings; those with * are chosen by amount of")
    print(f"data and time, and shown as they are for {_USUAL_SYMBOLS:,} characters and {DEFAULT_MINUTES:g} minutes:")
    for field in dataclasses.fields(recipe.settings):
        value = chosen.get(field.name, field.default)
        print(f"  {field.name} = {json.dumps(value)}{' *' if field.name in chosen else ''}")
    return 0


def _unit(recipe: str) -> str:
    """What losses of a recipe are counted by; of one that this version does not know, symbols."""
    return RECIPES[recipe].system.unit if recipe in RECIPES else "symbol"


def _training(run: RunFolder | None) -> dict[str, Any] | None:
    if run is None:
        return None
    metrics = run.metrics()
    last = metrics[-1] if metrics else {}
    return {"status": _status(run), "checkpoints": run.steps(), "last_evaluation": last}


def _status(run: RunFolder) -> str:
    end = run.finished()
    return "unfinished" if end is None else f"finished ({end['reason']})"


def _row(run: RunFolder) -> dict[str, Any]:
    metrics = run.metrics()
    nats = metrics[-1]["best_nats_per_symbol"] if metrics else None
    error = metrics[-1].get("best_standard_error") if metrics else None
    about = run.config()
    return {
        "path": str(run.path),
        "recipe": about["recipe"],
        "step": max(run.steps(), default=0),
        "status": "unfinished" if run.finished() is None else "finished",
        "bits_per_symbol": None if nats is None else bits(nats),
        "best": None if nats is None else {"nats_per_symbol": nats, "standard_error": error},
        "data": ", ".join(source["name"] for source in run.origin()["sources"]) or "its own examples",
        "validation_symbols": about["validation"]["symbols"],
        "validation_sha256": about["validation"]["sha256"],
    }


def _show(about: dict[str, Any]) -> None:
    best, origin, training, novelty = about["best"], about["origin"], about["training"], about["novelty"]
    s = about["settings"]
    name, recipe, unknown = Path(about["path"]).name, about["recipe"], "?"
    size, core = f"{s.get('layers', unknown)}×{s.get('hidden_size', unknown)}", s.get("core", unknown)
    _say(f"{name}: {recipe}, {size} {core}, {about['parameters']:,} parameters, {about['symbols']}")
    names = ", ".join(f"{source['name']} ({source['bytes']:,} bytes)" for source in origin["sources"])
    _say(f"data: {names}")
    if "nats_per_symbol" in best:
        nats = best["nats_per_symbol"]
        weights = "averaged weights" if best["weights"] == "average" else "weights as trained"
        unit, part = _unit(about["recipe"]), about["validation"]
        _say(
            f"best: {loss_with_error(best)} bits per {unit} ({nats:.4f} nats) at step {best['step']:,}, {weights}; "
            f"validated on {part['symbols']:,} of {part['held_out']:,} {unit}s held out"
        )
    if training is not None:
        last = training["last_evaluation"]
        _say(f"training: {training['status']}, {last.get('epochs', 0):.2f} epochs", end="")
        _say(f", checkpoints at steps {', '.join(map(str, training['checkpoints']))}")
    if novelty is not None:
        _say(
            f"novelty: of {novelty['samples']:,} sampled items {novelty['new']:,} are new (not among the training "
            f"items), {novelty['distinct']:,} are distinct"
        )
    _say("settings: " + ", ".join(f"{name}={json.dumps(value)}" for name, value in s.items()))
    versions = ", ".join(f"{name} {number}" for name, number in origin["versions"].items())
    command = origin["command"] or "the Python API"
    _say(f"made by: {command} ({versions}, Python {origin['python']})")


def _say(text: str, end: str = "\n") -> None:
    print(shown(text), end=end)
