"""``runs``: the runs in a folder. Needs no PyTorch."""

from __future__ import annotations

import math
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostinato.app.describing import unit_of
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.errors import ConfigError, OstinatoError, RunError
from ostinato.runs import RunFolder
from ostinato.units import bits

EXAMPLES = """\
ostinato runs
ostinato runs experiments --json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("folder", nargs="?", type=Path, default=Path("runs"), help="(default: %(default)s)")
    command.add_argument("--json", action="store_true", help="one object per run on standard output")


def act(args: Namespace) -> int:
    """List the runs in a folder."""
    if (args.folder / "config.json").is_file():
        raise ConfigError(
            f"{args.folder} is a run itself: ostinato info {shlex.quote(str(args.folder))} tells about it"
        )
    if not args.folder.is_dir() and args.folder != Path("runs"):
        raise RunError(f"there is no folder {args.folder}")
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
        _print_runs(rows)
        if len({row["validation_sha256"] for row in rows}) == 1:  # so that there is a best one
            best = shlex.quote(min(rows, key=_loss_of)["path"])
            print_next([f"ostinato info {best}", f"ostinato resume {best} --minutes 5"])
    if not args.json:
        deeper = Counter(path.parents[1] for path in args.folder.glob("[!.]*/*/config.json"))
        for folder, count in sorted(deeper.items()):
            print(f"{shown(folder)} has {count:,} more: ostinato runs {shlex.quote(str(folder))}")
    return 0


def _print_runs(rows: Sequence[dict[str, Any]]) -> None:
    """Print runs, best first among those validated on the same symbols; others are not ranked against each other."""
    width = max(len(row["path"]) for row in rows)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["validation_sha256"], []).append(row)
    for group in groups.values():
        unit = unit_of(group[0]["recipe"])
        if len(groups) > 1:
            data = group[0]["validation_data"] or group[0]["data"]
            print(f"validated on {group[0]['validation_symbols']:,} {unit}s of {shown(data)}")
        for row in sorted(group, key=_loss_of):
            loss = "" if row["best"] is None else f"{loss_with_error(row['best'], 3)} bits per {unit}"
            name, recipe = shown(row["path"]), shown(row["recipe"])
            print(f"{name:<{width}}  {recipe:<8}  step {row['step']:>7,}  {row['status']:<10}  {loss}")
    if len(groups) > 1:
        print("Only runs of one group can be compared: others were validated on other text, or in other symbols.")


def _loss_of(row: Mapping[str, Any]) -> float:
    return math.inf if row["best"] is None else row["best"]["nats_per_symbol"]


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
        "validation_data": ", ".join(source["name"] for source in run.origin()["valid_sources"]),
        "validation_symbols": about["validation"]["symbols"],
        "validation_sha256": about["validation"]["sha256"],
    }
