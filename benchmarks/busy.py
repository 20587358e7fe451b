"""Training and generation beside busy processes: how much is done, as a ratio of what one thread does there.

    python benchmarks/busy.py [--seconds 30] [--repeats 3]

Beside none, one and two processes that do nothing but count, each command runs as users type it and with
``--threads 1``, in turns. Training is counted in steps, generation in symbols a second; sizes are fixed, so that
both do the same work. Figures are medians of the pairs' ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import ostinato, report

SIZES = {
    "addition": ["--recipe", "addition", "--set", "hidden_size=128"],
    "text, 256 units": ["python-docs", "--set", "hidden_size=256", "--set", "core=capped-lstm"],
    "text, 512 units": ["python-docs", "--set", "hidden_size=512", "--set", "core=capped-lstm"],
}
LENGTH, WIDE = 6_000, 1024


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run so many processes that count meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def steps(words: list[str], seconds: float, threads: list[str]) -> float:
    """Train for some seconds, set-up included; return the steps that were made."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        common = [
            "--minutes",
            seconds / 60,
            "--out",
            run,
            "--set",
            "passes=null",
            "--set",
            "patience=null",
            "--no-report",
        ]
        ostinato("train", *words, *common, *threads)
        end: dict[str, Any] = json.loads((run / "finished.json").read_text())
        return float(end["step"])


def symbols_per_second(run: Path, threads: list[str], many: bool) -> float:
    """Generate one long text, or many short ones; return symbols a second of writing, start-up included."""
    words = ["--samples", 64, "--length", LENGTH // 20] if many else ["--length", LENGTH]
    before = time.monotonic()
    made = ostinato("generate", run, *words, "--seed", 1, *threads)
    return float(sum(one["symbols"] for one in made)) / (time.monotonic() - before)


def wide_model(folder: Path) -> Path:
    """Train a wide model for a step: a team of threads shares it while it writes."""
    run = folder / "wide"
    sizes = ["--set", f"hidden_size={WIDE}", "--set", "layers=2", "--set", "core=lstm"]
    ostinato("train", "python-docs", "--steps", 1, *sizes, "--out", run, "--no-report")
    return run


def row(what: str, others: int, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """One line of the table."""
    return {
        "what": what,
        "busy processes": others,
        "as typed": statistics.median(a for a, _ in pairs),
        "one thread": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("training", "generation"))
    args = parser.parse_args()
    rows, one = [], ["--threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        wide = wide_model(Path(folder))
        for others in (0, 1, 2):
            with busy(others):
                for name, words in SIZES.items() if args.only != "generation" else ():
                    pairs = [
                        (steps(words, args.seconds, []), steps(words, args.seconds, one)) for _ in range(args.repeats)
                    ]
                    rows.append(row(f"training, {name}", others, pairs))
                for name, many in (("one long text", False), ("64 texts", True)) if args.only != "training" else ():
                    pairs = [
                        (symbols_per_second(wide, [], many), symbols_per_second(wide, one, many))
                        for _ in range(args.repeats)
                    ]
                    rows.append(row(f"generation, {name}", others, pairs))
    report("busy", rows)


if __name__ == "__main__":
    main()
