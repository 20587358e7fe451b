"""Two processes on two cores against one process with two threads: symbols per second of training, as a ratio.

    OSTINATO_DATA=… python benchmarks/ranks.py [--pairs 5]

Both run the same command on the same global batches; the pair takes turns, and the ratio is the median over pairs.
The speed is that of training steps (gradients exchanged, evaluations left out), as metrics.jsonl records it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import data_file, report

STEPS = 240
SHAPES = [(16, 48, "bfloat16"), (32, 64, "bfloat16"), (16, 48, "float32"), (32, 64, "float32")]


def speed(processes: int, shape: tuple[int, int, str], out: Path) -> float:
    """Train a 1×512 LSTM for some steps; return symbols per second."""
    batch_size, window, precision = shape
    settings = {"hidden_size": 512, "layers": 1, "batch_size": batch_size, "window": window, "precision": precision}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    threads = str(2 // processes)
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    start = [*several, "-m", "ostinato"]
    subprocess.run(
        [sys.executable, *start, "train", str(data_file("text/tinyshakespeare.txt")), "--steps", str(STEPS),
         "--out", str(out), "--threads", threads, "--device", "cpu", *words],
        check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": threads},
    )  # fmt: skip
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(record["symbols_per_second"] for record in records[1:])


def main() -> None:
    """Measure every shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for shape in SHAPES:
            one, two = [], []
            for number in range(pairs):
                name = f"{shape[0]}-{shape[1]}-{shape[2]}-{number}"
                one.append(speed(1, shape, Path(folder) / f"one-{name}"))
                two.append(speed(2, shape, Path(folder) / f"two-{name}"))
            rows.append(
                {
                    "batch_size": shape[0],
                    "window": shape[1],
                    "precision": shape[2],
                    "one process": round(statistics.median(one)),
                    "two processes": round(statistics.median(two)),
                    "ratio": statistics.median(b / a for a, b in zip(one, two, strict=True)),
                }
            )
    report("ranks", rows)


if __name__ == "__main__":
    main()
