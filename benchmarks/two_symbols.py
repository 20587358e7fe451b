"""What scheduled sampling learns, where the truth is known: two symbols, x1 fair and P(x2 = x1) = 0.9.

    python benchmarks/two_symbols.py [PICTURE.svg]

Beside each measured value stands the closed form: with own-sample rate s the optimum has
q(x2|x1) = (1 - s) P(x2|x1) + s P(x2). Source: Huszár 2015, arXiv:1511.05101.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import report
from ostinato.batch import SymbolBatch
from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
from ostinato.models import Feedback, Randomness
from ostinato.models.task import Context

_COUNTS = {(0, 0): 450, (0, 1): 50, (1, 0): 50, (1, 1): 450}  # the distribution itself: the data have no noise
_STEPS, _RATE = 400, 0.02
_ROWS = sum(_COUNTS.values())


def main() -> None:
    rows = [measured(n / 8) for n in range(9)]
    report("two-symbols", rows)
    if len(sys.argv) > 1:
        draw(rows, Path(sys.argv[1]))


def measured(own: float) -> dict[str, Any]:
    """Train a tiny recurrent model at one own-sample rate, and compare it with what is derived."""
    torch.manual_seed(0)
    model = LanguageModel(2, core="elman", layers=1, hidden_size=8, embedding_size=4)
    task = LanguageModelTask(
        model, Dropout(), feedback=Feedback("linear", k=1 - own) if own < 1 else Feedback("always")
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    batch = _batch()
    for step in range(_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / _STEPS)
        optimizer.zero_grad()
        loss, _ = task.loss(batch, model.initial_state(_ROWS), Context(Randomness(1, step), training=True))
        (loss.total / loss.count).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        log_q = model.log_probs(torch.tensor([[2, 0], [2, 1]]))[0].double()
    kl = sum(
        n / _ROWS * (math.log(n / _ROWS) - float(log_q[a, 0, a]) - float(log_q[a, 1, b]))
        for (a, b), n in _COUNTS.items()
    )
    same = derived(own)
    return {
        "own_sample_rate": own,
        "q_same": float((log_q[0, 1, 0].exp() + log_q[1, 1, 1].exp()) / 2),
        "q_same_derived": same,
        "kl_nats": kl,
        "kl_nats_derived": 0.9 * math.log(0.9 / same) + 0.1 * math.log(0.1 / (1 - same)),
    }


def derived(own: float) -> float:
    """q(x2 = x1 | x1) at the optimum."""
    return 0.9 * (1 - own) + 0.5 * own


def _batch() -> SymbolBatch:
    targets = np.array([pair for pair, count in _COUNTS.items() for _ in range(count)], dtype=np.int64)
    inputs = np.concatenate([np.full((_ROWS, 1), 2), targets[:, :1]], axis=1)
    return SymbolBatch(inputs, targets, None, np.ones(_ROWS, dtype=bool))


def draw(rows: list[dict[str, Any]], target: Path) -> None:
    """Draw the measured divergences on the derived curve."""
    import matplotlib
    from matplotlib.figure import Figure

    grid = np.linspace(0, 1, 101)
    same = derived(grid)  # type: ignore[arg-type]
    curve = 0.9 * np.log(0.9 / same) + 0.1 * np.log(0.1 / (1 - same))
    with matplotlib.rc_context({"svg.hashsalt": "ostinato", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(grid, curve, color="tab:gray", label="derived")
        points = [(row["own_sample_rate"], row["kl_nats"]) for row in rows]
        axes.plot(*zip(*points, strict=True), "o", color="tab:red", label="measured")
        axes.set(xlabel="share of own symbols that are read in training", ylabel="KL(P‖q), nats")
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
        figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
