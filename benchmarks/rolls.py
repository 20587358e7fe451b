"""Piano rolls: nats per frame on the official test sets, after minutes of training.

    OSTINATO_DATA=… python benchmarks/rolls.py [--recipe rnn-nade] [--data JSB_Chorales] [--minutes 5] [--set …]

Without --recipe and --data all recipes on both sets. One thread each; --seeds 1,2,3 repeats each with other seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

import ostinato
from common import data_file, report
from ostinato.config import parse_assignments
from ostinato.families import Sources, find_recipe

_RECIPES, _SETS = ("rnn-bernoulli", "rnn-nade", "note-lstm", "rnn-rbm"), ("JSB_Chorales", "Nottingham")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=_RECIPES)
    parser.add_argument("--data", choices=_SETS)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for recipe in [args.recipe] if args.recipe else _RECIPES:
        settings = parse_assignments(args.settings, find_recipe(recipe).settings)
        for data in [args.data] if args.data else _SETS:
            for seed in map(int, args.seeds.split(",")):
                rows.append(trained(recipe, data, args.minutes, seed, settings))
                print(rows[-1], flush=True)
    report("rolls", rows)


def trained(recipe: str, data: str, minutes: float, seed: int, settings: dict[str, object]) -> dict[str, object]:
    """Train a run, and measure it on the test part."""
    path = data_file(f"music/{data}.mat")
    with tempfile.TemporaryDirectory() as folder:
        training = ostinato.train(
            str(path), recipe=recipe, out=Path(folder) / "run", minutes=minutes, seed=seed, settings=settings, threads=1
        )
        model = training.to_end()
        result = model.evaluate_on(model.read(Sources([str(path)], part="test")), {}, lambda what, done, total: None)
        steps = training.trainer.step
    return {"recipe": recipe, "data": data, "minutes": minutes, "seed": seed, "steps": steps, **result.plain()}


if __name__ == "__main__":
    main()
