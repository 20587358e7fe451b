"""One trial of a sweep: train with given settings for as many steps as fit the minutes on an undisturbed machine.

Steps come from the speed, which is measured before (the fastest of several short stretches), and not from the clock:
so what else the machine does meanwhile changes when a trial ends, and not what it finds.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import tricks
from cells import CELLS, Cell
from common import kind_of_machine
from ostinato import train
from ostinato.config import write
from ostinato.data import Corpus
from ostinato.families import RECIPES, Budget

_SET_UP = 5.0  # seconds of a run's time that pass before its first step
_SHARE = 0.94  # of the rest goes into steps; evaluations and checkpoints take what is left
_STRETCHES, _STRETCH = 8, 0.8  # of how many, and how many seconds each, the fastest counts
"""Stretches of training that the speed is measured by."""
THERE = "avx512-bf16"  # where trials that do not say it were made: two Zen 5 cores, whose minutes the rule counts in
# Of each kind of machine: how fast it is beside those, and what it multiplies in. With AVX2: two Zen 3 cores.
KINDS: dict[str, tuple[float, str]] = {THERE: (1.0, "bfloat16"), "avx2": (0.19, "float32")}


def settings_of(cell: str, minutes: float, changed: dict[str, Any], on: str = THERE) -> dict[str, Any]:
    """All settings of a trial: the recipe's choice with changes."""
    held, (speed, precision) = CELLS[cell](), KINDS[on]
    recipe = RECIPES["char-lm"]
    budget = Budget(sum(map(len, held.train)), held.items, minutes, speed=speed)
    chosen = {**recipe.sizes_for(budget, changed), **changed}
    return write(recipe.settings(**{**chosen, "precision": precision, "patience": None, "valid_symbols": 200_000}))


def build(cell: Cell, settings: dict[str, Any], steps: int, seed: int, out: Path, names: list[str]) -> Any:
    """Set a run up, and put tricks in."""
    corpus, valid = (_corpus(texts, cell.items) for texts in (cell.train, cell.valid))
    training = train(corpus, out=out, steps=steps, seed=seed, settings=settings, valid=valid)
    for name in names:
        tricks.apply(name, training)
    return training


def _corpus(texts: tuple[str, ...], items: bool) -> Corpus:
    return Corpus("items" if items else "text", texts)


def seconds_per_step(training: Any) -> float:
    """The speed of the fastest stretch."""
    trainer, best = training.trainer, float("inf")
    for _ in range(5):
        trainer.advance()
    for _ in range(_STRETCHES):
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < _STRETCH:
            trainer.advance()
            done += 1
        best = min(best, (time.perf_counter() - began) / done)
    return best


def run(about: dict[str, Any], speed: float | None, keep: Path | None, threads: int) -> dict[str, Any]:
    """Run a trial; without a speed, only measure that, of two threads."""
    torch.set_num_threads(threads)
    cell = CELLS[about["cell"]]()
    on = about.get("on", THERE)
    if on != kind_of_machine():
        raise SystemExit(f"a trial of {on!r} is to be made there; this machine is {kind_of_machine()!r}")
    settings = settings_of(about["cell"], about["minutes"], about["changed"], on)
    names = about.get("tricks", [])
    with tempfile.TemporaryDirectory() as folder:
        if speed is None:
            probe = build(cell, settings, 10**6, about["seed"], Path(folder) / "probe", names)
            return {"seconds_per_step": seconds_per_step(probe)}
        steps = about.get("asked_steps") or int((60 * about["minutes"] - _SET_UP) * _SHARE / speed)
        out = keep or Path(folder) / "run"
        training = build(cell, settings, steps, about["seed"], out, names)
        began = time.monotonic()
        rows = []
        for event in training:
            if type(event).__name__ == "Evaluated":
                rows.append(dataclasses.asdict(event))
        count = sum(p.numel() for p in training.trainer.task.module.parameters())
    last = rows[-1]
    values = [v for v in (last["valid_nats_per_symbol"], last["average_nats_per_symbol"]) if v is not None]
    return {
        **about,
        "nats": min(values),
        "best_nats": training.trainer.best["nats_per_symbol"],
        "weights_nats": last["valid_nats_per_symbol"],
        "average_nats": last["average_nats_per_symbol"],
        "train_nats": last["train_nats_per_symbol"],
        "steps": steps,
        "epochs": training.epochs,
        "seconds_per_step": speed,
        "wall_seconds": time.monotonic() - began,
        "parameters": count,
        "curve": [[r["step"], r["valid_nats_per_symbol"], r["average_nats_per_symbol"]] for r in rows],
    }


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    kept = Path(order["keep"]) if order.get("keep") else None
    found = run(order["about"], order["speed"], kept, order.get("threads", 2))
    print("RESULT " + json.dumps(found))
