"""What the framework costs: symbols per second of training, as a ratio to a bare loop around nn.LSTM.

    python benchmarks/overhead.py

Same shapes, same precision, same optimiser and clipping, same process. The two take turns in short
stretches, so that a machine whose speed changes changes it for both; the ratio is the median over pairs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import ostinato
from common import report
from ostinato.workshop.run import Training

PAIRS, SECONDS = 15, 2.0
SHAPES = [
    {"hidden_size": 128, "layers": 1, "batch_size": 32, "window": 64},
    {"hidden_size": 512, "layers": 1, "batch_size": 16, "window": 64},
    {"hidden_size": 512, "layers": 2, "batch_size": 32, "window": 96},
]


class Bare:
    """The loop that anyone would write: nothing but the model, AdamW, clipping and carried state."""

    def __init__(self, ids: torch.Tensor, symbols: int, shape: dict[str, int], settings: Any) -> None:
        H, E = shape["hidden_size"], settings.embedding_size
        self.batch, self.window = shape["batch_size"], shape["window"]
        self.embedding = nn.Embedding(symbols, E)
        self.layers = nn.ModuleList([nn.LSTM(H if n else E, H, batch_first=True) for n in range(shape["layers"])])
        self.linear = nn.Linear(H, symbols)
        self.parameters = [*self.embedding.parameters(), *self.layers.parameters(), *self.linear.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=settings.learning_rate, fused=True)
        length = len(ids) // self.batch
        self.rows = ids[: self.batch * length].view(self.batch, length)
        self.place, self.states = 0, [None] * shape["layers"]
        self.bfloat16 = settings.precision == "bfloat16"

    def step(self) -> None:
        """Take one training step."""
        if self.place + self.window + 1 > self.rows.shape[1]:
            self.place, self.states = 0, [None] * len(self.states)
        x = self.rows[:, self.place : self.place + self.window]
        y = self.rows[:, self.place + 1 : self.place + self.window + 1]
        self.place += self.window
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            h = self.embedding(x)
            for n, layer in enumerate(self.layers):
                h, state = layer(h, self.states[n])
                self.states[n] = tuple(leaf.detach() for leaf in state)
            logits = self.linear(h)
        loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        loss.item()


def main() -> None:
    rows = []
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            settings = {**shape, "restart": 0.0, "dropout": 0.0, "input_dropout": 0.0}  # as the bare loop
            training = ostinato.train("python-docs", out=Path(folder) / "run", steps=10**6, settings=settings)
            rows.append(compare(training, shape))
    report("overhead", rows)


def compare(training: Training, shape: dict[str, int]) -> dict[str, Any]:
    """Let the two take turns; return medians and the median of the ratios."""
    ids = torch.from_numpy(training.run.corpus()[0].ids.astype("int64"))
    bare = Bare(ids, training.codec.size, shape, training.settings)
    events = iter(training)  # the loop that 'ostinato train' runs, between two evaluations

    def ours() -> None:
        next(events)

    for act in (ours, bare.step):
        speed(act, shape)  # warm up
    pairs = [(speed(ours, shape), speed(bare.step, shape)) for _ in range(PAIRS)]
    return {
        **shape,
        "precision": training.settings.precision,
        "ostinato_symbols_per_second": round(statistics.median(own for own, _ in pairs)),
        "bare_symbols_per_second": round(statistics.median(other for _, other in pairs)),
        "ratio": statistics.median(own / other for own, other in pairs),
    }


def speed(act: Any, shape: dict[str, int]) -> float:
    """Return symbols per second over a short stretch."""
    steps, before = 0, time.perf_counter()
    while time.perf_counter() - before < SECONDS:
        act()
        steps += 1
    return steps * shape["batch_size"] * shape["window"] / (time.perf_counter() - before)


if __name__ == "__main__":
    main()
