"""Sweeps: the trials of a plan, one after the other, resumable; results as JSON lines in sweeps/results.jsonl.

    OSTINATO_DATA=… python benchmarks/sweep.py literature [--speeds] [--keep FOLDER] [--share 0/2 --threads 1]

Trials that have results already are not run again. ``--speeds`` only measures the speeds, which wants a quiet machine.
As a trial's steps come from its speed, several sweeps may then run side by side, each its share of the trials.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from plans import PLANS

FOLDER = Path(__file__).parent / "sweeps"
RESULTS, SPEEDS = FOLDER / "results.jsonl", FOLDER / "speeds.json"
_OF_SPEED = (
    "core", "layers", "hidden_size", "embedding_size", "batch_size", "window", "dropout", "input_dropout",
    "recurrent_dropout", "variational", "residual", "tied", "average",
)  # fmt: skip


# Tricks that do not change the seconds of a step.
_FREE = ("cosine", "cosine-power", "tail-average", "beta1", "growing-window", "random-window", "growing-batch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--speeds", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--share", default="0/1", help="which share of the trials, of how many")
    parser.add_argument("--threads", type=int, default=2, help="of a trial; of its speed always two")
    args = parser.parse_args()
    trials = PLANS[args.plan]
    FOLDER.mkdir(exist_ok=True)
    speeds = json.loads(SPEEDS.read_text()) if SPEEDS.exists() else {}
    known = done()
    for trial in trials:
        if key(trial) in known:  # its settings may be others by now where it leaves them to the rule
            continue
        name = speed_key(trial)
        if name not in speeds:
            speeds[name] = process({"about": trial, "speed": None})["seconds_per_step"]
            print(f"speed  {1e3 * speeds[name]:7.2f} ms  {name}", flush=True)
            write(SPEEDS, json.dumps(speeds, indent=1))
    if args.speeds:
        return
    share, shares = map(int, args.share.split("/"))
    for trial in trials[share::shares]:
        if key(trial) in done():
            continue
        keep = str(args.keep / trial["name"]) if args.keep and "name" in trial else None
        order = {"about": trial, "speed": speeds[speed_key(trial)], "keep": keep, "threads": args.threads}
        result = process(order)
        with RESULTS.open("a") as file:
            file.write(json.dumps(result) + "\n")
        told = f"{trial['cell']:9s} {trial['minutes']:g} min {trial.get('tricks', [])} {trial['changed']}"
        print(f"{result['nats']:.4f} (best {result['best_nats']:.4f}, train {result['train_nats']:.3f}, "
              f"{result['epochs']:.1f} epochs, {result['wall_seconds']:.0f} s)  {told}", flush=True)  # fmt: skip


def key(trial: dict[str, Any]) -> str:
    """What makes a trial another one."""
    named = {name: trial.get(name) for name in ("cell", "minutes", "changed", "seed", "tricks", "asked_steps", "on")}
    return json.dumps(named, sort_keys=True)


def done() -> set[str]:
    """The trials that have results."""
    return {key(json.loads(line)) for line in RESULTS.read_text().splitlines()} if RESULTS.exists() else set()


def speed_key(trial: dict[str, Any]) -> str:
    """What the seconds of a step depend on."""
    from trial import THERE, settings_of

    on = trial.get("on", THERE)
    settings = settings_of(trial["cell"], trial["minutes"], trial["changed"], on)
    shape = {name: settings[name] for name in _OF_SPEED}
    for name in ("dropout", "input_dropout", "recurrent_dropout", "average"):
        shape[name] = bool(shape[name])
    slow = [trick for trick in trial.get("tricks", []) if trick.partition("=")[0] not in _FREE]
    where = {"cell": trial["cell"], "tricks": slow, **({} if on == THERE else {"on": on})}
    return json.dumps({**where, **shape}, sort_keys=True)


def process(order: dict[str, Any]) -> dict[str, Any]:
    """Run a trial in a process of its own, as another's memory or threads must not matter."""
    command = [sys.executable, str(Path(__file__).parent / "trial.py"), json.dumps(order)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ})
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("RESULT "))
    return found


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


if __name__ == "__main__":
    main()
