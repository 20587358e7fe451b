"""How fast a training step is beside a plain PyTorch loop, and where its time goes.

python benchmarks/training.py [--repeats 7] [--core capped-lstm]

Plain is what is usually written: nn.LSTM, nn.GRU or nn.RNN between an embedding and a linear layer, autocast to
bfloat16 (where the processor has it) or float32, cross-entropy, clipping, fused AdamW; no moving average. Beside our
capped LSTM it is nn.LSTM, as PyTorch has no capped one. Ours is a whole step of ``ostinato
train``, with clipping, moving average and optimiser. Each runs in a process of its own, as each sets up its process in
its own way; the two take turns. Random text over 65 symbols, no dropout. Medians of seconds; ratios of pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from common import report
from ostinato.engine.cpu import multiplies_bfloat16

SYMBOLS, EMBEDDING, THREADS = 65, 64, 2
CASES = [  # core, layers, width, rows, time steps
    ("lstm", 1, 512, 32, 64),
    ("lstm", 2, 512, 50, 100),
    ("gru", 2, 512, 50, 100),
    ("elman", 2, 512, 50, 100),
    ("lstm", 1, 128, 32, 64),
    ("lstm", 1, 256, 32, 64),
    ("lstm", 1, 1024, 32, 64),
    ("lstm", 1, 512, 16, 48),
    ("capped-lstm", 1, 256, 16, 48),
    ("capped-lstm", 1, 384, 16, 48),
    ("capped-lstm", 1, 512, 16, 48),
    ("capped-lstm", 1, 768, 16, 48),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--core", choices=sorted({core for core, *_ in CASES}))
    parser.add_argument("--worker", choices=("plain", "ours"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker)
        return
    rows = []
    for case in (case for case in CASES if args.core in (None, case[0])):
        for precision in (*["bfloat16"] * multiplies_bfloat16(), "float32"):
            rows.append(compare(case, precision, args.repeats))
            print(rows[-1], file=sys.stderr, flush=True)
    report("training", rows)


def compare(case: tuple[str, int, int, int, int], precision: str, repeats: int) -> dict[str, Any]:
    """Let both take steps in turn."""
    core, layers, width, rows, steps = case
    workers = {name: start(name) for name in ("plain", "ours")}
    try:
        for worker in workers.values():
            ask(worker, {"case": case, "precision": precision})
        times = [{name: ask(worker, {"steps": 3}) for name, worker in workers.items()} for _ in range(repeats)]
        parts = ask(workers["ours"], {"parts": True})
    finally:
        for worker in workers.values():
            worker.kill()
    ours = statistics.median(pair["ours"] for pair in times)
    flop = 6 * rows * steps * sum(gates(core) * width * (width + (width if n else EMBEDDING)) for n in range(layers))
    return {
        "core": f"{core} {layers}x{width}",
        "batch": f"{rows}x{steps}",
        "precision": precision,
        "plain_ms": 1e3 * statistics.median(pair["plain"] for pair in times),
        "ours_ms": 1e3 * ours,
        "ratio": statistics.median(pair["plain"] / pair["ours"] for pair in times),
        "gflop_per_s": flop / ours / 1e9,
        **{f"{name}_%": 100 * share for name, share in parts.items()},
    }


def gates(core: str) -> int:
    return {"elman": 1, "gru": 3, "lstm": 4, "capped-lstm": 4}[core]


def start(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--worker", name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(worker: subprocess.Popen[str], question: dict[str, Any]) -> Any:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(json.dumps(question) + "\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def work(name: str) -> None:
    """Answer questions: set up, take steps and tell the seconds of one, tell the shares of a step."""
    from ostinato.app.process import prepare_torch

    if name == "ours":
        prepare_torch(THREADS)
    else:
        import torch

        torch.set_num_threads(THREADS)
    step: Callable[[], object] = lambda: None  # noqa: E731
    parts: Callable[[], dict[str, float]] = dict
    for line in sys.stdin:
        question = json.loads(line)
        answer: Any = None
        if "case" in question:
            step, parts = (ours if name == "ours" else plain)(question["case"], question["precision"])
            for _ in range(3):
                step()
        elif "steps" in question:
            before = time.perf_counter()
            for _ in range(question["steps"]):
                step()
            answer = (time.perf_counter() - before) / question["steps"]
        else:
            answer = parts()
        print(json.dumps(answer), flush=True)


def plain(case: tuple[str, int, int, int, int], precision: str) -> tuple[Callable[[], object], Any]:
    """A step as it is usually written."""
    import torch
    from torch import nn

    core, layers, width, rows, steps = case
    torch.manual_seed(0)
    kind = {"lstm": nn.LSTM, "capped-lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}[core]
    embedding, output = nn.Embedding(SYMBOLS + 1, EMBEDDING), nn.Linear(width, SYMBOLS)
    module = nn.ModuleList([embedding, kind(EMBEDDING, width, layers, batch_first=True), output])
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    ids = torch.randint(0, SYMBOLS, (rows, steps + 1))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            ys, _ = module[1](embedding(ids[:, :-1]))
            loss = nn.functional.cross_entropy(output(ys).flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        loss.item()

    return step, dict


def ours(case: tuple[str, int, int, int, int], precision: str) -> tuple[Callable[[], object], Any]:
    """A step of our trainer, and the shares of its parts."""
    import numpy as np
    import torch

    from ostinato.batch import SymbolBatch
    from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
    from ostinato.models import Context
    from ostinato.models.randomness import Randomness
    from ostinato.training.schedule import Schedule
    from ostinato.training.settings import TrainSettings
    from ostinato.training.trainer import Trainer
    from ostinato.training.validation import Measured

    core, layers, width, rows, steps = case
    torch.manual_seed(0)
    ids = np.random.default_rng(0).integers(0, SYMBOLS, (rows, steps + 1))

    class Same:
        """A stream of one batch."""

        def next(self) -> SymbolBatch:
            return SymbolBatch(ids[:, :-1], ids[:, 1:], None, np.zeros(rows, dtype=bool))

    model = LanguageModel(SYMBOLS, core=core, layers=layers, hidden_size=width, embedding_size=EMBEDDING)
    task = LanguageModelTask(model, Dropout(), precision)
    settings = TrainSettings(1e-3, 0.03, 0.99, 1.0, 0.998, None, 1)
    schedule = Schedule(0.05)
    schedule.begin(0, 100_000)
    trainer = Trainer(task, Same(), lambda task: Measured(0.0), settings, schedule)

    def parts() -> dict[str, float]:
        """Shares of: loss, gradients, and all that follows (clipping, optimiser, average)."""
        found: dict[str, list[float]] = {"loss": [], "gradients": [], "rest": []}
        for number in range(7):
            trainer._optimizer.clear_gradients()
            times = [time.perf_counter()]
            loss, _ = task.loss(Same().next(), task.initial_state(rows), Context(Randomness(1, number), training=True))
            times.append(time.perf_counter())
            (loss.total / loss.count).backward()
            times.append(time.perf_counter())
            before = time.perf_counter()
            trainer.advance()
            whole = time.perf_counter() - before
            found["loss"].append((times[1] - times[0]) / whole)
            found["gradients"].append((times[2] - times[1]) / whole)
            found["rest"].append(1 - (times[2] - times[0]) / whole)
        return {name: statistics.median(values) for name, values in found.items()}

    return trainer.advance, parts


if __name__ == "__main__":
    main()
