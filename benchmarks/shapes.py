"""How long a training step takes in either precision with one thread and with all, by recipe and width.

    python benchmarks/shapes.py [--quick]

What ``training/device.py`` (precision) and ``workshop/threads.py`` decide by was read off this table. The four ways
take turns in one process, so that a machine whose speed changes changes it for all of them; figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import ostinato
from common import report
from ostinato.data import read_corpus
from ostinato.workshop.run import Training

TEXT = {"batch_size": 16, "window": 48}
ITEMS = {"batch_size": 64, "window": 256}
CORES = ("gru", "elman", "jordan", "norm-lstm", "mogrifier", "min-gru", "min-lstm")
SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    *[("char-lm", "text", {**TEXT, "core": "capped-lstm", "hidden_size": H}) for H in (64, 128, 192, 256, 512, 768)],
    *[("char-lm", "text", {**TEXT, "core": "lstm", "hidden_size": H}) for H in (24, 32, 64, 128, 256, 512, 1024)],
    *[("char-lm", "text", {**TEXT, "core": core, "hidden_size": H}) for core in CORES for H in (128, 512)],
    *[("char-lm", "items", {**ITEMS, "core": "capped-lstm", "hidden_size": H}) for H in (128, 256, 512)],
    *[("addition", "", {"hidden_size": H}) for H in (64, 128, 256, 512)],
]
REPEATS = 15


def run(recipe: str, corpus: str, settings: dict[str, Any], folder: Path) -> Training:
    """Set a run up."""
    source: Any = [] if not corpus else read_corpus(["python-docs"], kind="items" if corpus == "items" else "text")
    if recipe == "addition":
        from ostinato.families import RECIPES

        makes = RECIPES[recipe].generate_corpus
        assert makes is not None
        source = makes({}, 1)
    return ostinato.train(source, out=folder, recipe=recipe, steps=10_000, settings=settings)


def measure(recipe: str, corpus: str, settings: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Return the milliseconds of a step in each way."""
    ways: dict[tuple[str, int], Training] = {}
    every = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("float32", "bfloat16"):
            for threads in (1, every):
                torch.set_num_threads(threads)
                there = Path(folder) / f"{precision}-{threads}"
                ways[precision, threads] = run(recipe, corpus, {**settings, "precision": precision}, there)
        times: dict[tuple[str, int], list[float]] = {way: [] for way in ways}
        for number in range(repeats + 2):
            for way, training in ways.items():
                torch.set_num_threads(way[1])
                training.trainer.advance()  # a change of threads costs a step
                before = time.perf_counter()
                training.trainer.advance()
                if number >= 2:
                    times[way].append(time.perf_counter() - before)
    torch.set_num_threads(every)
    row = {f"{precision} ×{threads}": 1000 * statistics.median(some) for (precision, threads), some in times.items()}
    trainer = ways["float32", 1].trainer
    weights = sum(p.numel() for p in trainer.task.module.parameters())
    batch = trainer.stream.next()
    about = {"recipe": recipe, "corpus": corpus, **settings, "rows": batch.rows, "weights": weights}
    about["million products"] = weights * batch.count / 1e6
    one, all_ = row["float32 ×1"], row[f"float32 ×{every}"]
    about |= row
    about["threads gain"] = one / all_
    about["bfloat16 gains"] = all_ / row[f"bfloat16 ×{every}"]
    about["bfloat16 gains ×1"] = one / row["bfloat16 ×1"]
    return about


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    few = parser.parse_args().quick
    report("shapes", [measure(*shape, 3 if few else REPEATS) for shape in (SHAPES[:2] if few else SHAPES)])


if __name__ == "__main__":
    main()
