"""What single settings do on tinyshakespeare: equal steps, one setting changed at a time.

    OSTINATO_DATA=… python benchmarks/sizes.py [--steps 4000] [NAME=VALUE …]

Each argument is one run, with that setting changed from those of ``ostinato train --minutes 1.25``; several
settings are joined by commas. Without arguments: restarts, weight decay, learning rate, window and average.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import data_file, ostinato, report
from ostinato.families import RECIPES, Budget, LanguageModelSettings

CHANGES = ["", "restart=0", "weight_decay=0", "learning_rate=0.004", "window=64", "average=0"]
SPLIT = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("changes", nargs="*", default=CHANGES)
    args = parser.parse_args()
    source = data_file("text/tinyshakespeare.txt")
    text = source.read_text()
    # All settings, defaults too: with --steps the program would choose those left open for three minutes.
    chosen = asdict(LanguageModelSettings(**RECIPES["char-lm"].choose(Budget(int(len(text) * SPLIT), False, 1.25), {})))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        valid = Path(folder) / "valid.txt"
        valid.write_text(text[int(len(text) * SPLIT) :])
        for number, change in enumerate(args.changes):
            settings = {**_written(chosen), **dict(pair.split("=") for pair in change.split(",") if pair)}
            run = Path(folder) / str(number)
            words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
            ostinato("train", source, "--steps", args.steps, "--out", run, *words)
            (contiguous,) = ostinato("evaluate", run, valid, "--protocol", "contiguous")
            (windows,) = ostinato("evaluate", run, valid, "--protocol", "windows")
            row = {"changed": change or "nothing", "steps": args.steps}
            losses = {
                "contiguous_nats": contiguous["nats_per_symbol"],
                "windows_nats": windows["nats_per_symbol"],
            }
            rows.append({**row, **losses})
    report("sizes", rows)


def _written(settings: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}


if __name__ == "__main__":
    main()
