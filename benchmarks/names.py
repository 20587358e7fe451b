"""names.txt in makemore's protocol, and strictly: loss after some minutes, end symbol included.

    OSTINATO_DATA=… python benchmarks/names.py [--minutes 1] [--draws 5]

makemore holds out 1,000 random lines; the file has duplicates, so about 17 % of held-out names also occur
in training. The strict protocol removes from training every name that is held out. Each figure is the
mean over draws of the held-out set; makemore reports 1.92 for its Transformer.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

from common import data_file, ostinato, report, timed

HELD_OUT = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    lines = data_file("text/names.txt").read_text().split("\n")
    rows = []
    for protocol in ("makemore", "strict"):
        draws = [one(lines, draw, protocol, args.minutes) for draw in range(args.draws)]
        losses = [draw["nats"] for draw in draws]
        rows.append(
            {
                "protocol": protocol,
                "draws": len(draws),
                "nats_per_character": statistics.fmean(losses),
                "spread_over_draws": statistics.stdev(losses) if len(losses) > 1 else None,
                "held_out_names_also_trained_on": statistics.fmean(draw["leaked"] for draw in draws),
                "wall_seconds": statistics.fmean(draw["seconds"] for draw in draws),
                "new_of_1000_sampled": statistics.fmean(draw["new"] for draw in draws),
            }
        )
    report("names", rows)


def one(lines: list[str], draw: int, protocol: str, minutes: float) -> dict[str, Any]:
    """Hold out 1,000 lines, train on the others, score those held out."""
    chosen = set(random.Random(draw).sample(range(len(lines)), HELD_OUT))
    held = [lines[i] for i in sorted(chosen)]
    kept = [line for i, line in enumerate(lines) if i not in chosen]
    if protocol == "strict":
        kept = [line for line in kept if line not in set(held)]
    leaked = sum(name in set(kept) for name in held) / len(held)
    with tempfile.TemporaryDirectory() as folder:
        train, valid, run = (Path(folder) / name for name in ("train.txt", "valid.txt", "run"))
        train.write_text("\n".join(kept))
        valid.write_text("\n".join(held))
        # The held-out names choose nothing: training sets a part of its own data apart for that.
        seconds, _ = timed("train", train, "--minutes", minutes, "--out", run, "--valid", 0.03)
        (result,) = ostinato("evaluate", run, valid)
        (about,) = ostinato("info", run)
    return {
        "nats": result["nats_per_symbol"],
        "seconds": seconds,
        "leaked": leaked,
        "new": about["novelty"]["new"],
    }


if __name__ == "__main__":
    main()
