"""tinyshakespeare on nanoGPT's split: loss by minutes of training, in both protocols, beside a small GPT.

    OSTINATO_DATA=… python benchmarks/shakespeare.py [--minutes 1.25 3 10] [--without-gpt]

The GPT is nanoGPT's recipe for CPUs (4 layers, 4 heads, 128 wide, windows of 64, batch 12, 2,000
iterations, AdamW 1e-3 to 1e-4 with 100 steps of warm-up, no dropout), written with PyTorch's own layers
and trained here, in float32 and on the same threads; nanoGPT reports 1.88 for it.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common import data_file, ostinato, report, timed

SPLIT = 0.9
GPT = {"layers": 4, "heads": 4, "width": 128, "window": 64, "batch": 12, "iterations": 2000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.25])
    parser.add_argument("--without-gpt", action="store_true")
    args = parser.parse_args()
    source = data_file("text/tinyshakespeare.txt")
    text = source.read_text()
    with tempfile.TemporaryDirectory() as folder:
        valid = Path(folder) / "valid.txt"
        valid.write_text(text[int(len(text) * SPLIT) :])
        rows = [train(source, valid, Path(folder), minutes) for minutes in args.minutes]
        if not args.without_gpt:
            rows.append(gpt(text))
    report("shakespeare", rows)


def train(source: Path, valid: Path, folder: Path, minutes: float) -> dict[str, Any]:
    """Train for some minutes; evaluate in both protocols."""
    run = folder / f"run-{minutes:g}"
    seconds, evaluations = timed("train", source, "--minutes", minutes, "--out", run)
    (contiguous,) = ostinato("evaluate", run, valid, "--protocol", "contiguous")
    (windows,) = ostinato("evaluate", run, valid, "--protocol", "windows")
    return {
        "system": f"ostinato train --minutes {minutes:g}",
        "wall_seconds": round(seconds, 1),
        "contiguous_nats": contiguous["nats_per_symbol"],
        "contiguous_standard_error": contiguous["standard_error"],
        "windows_nats": windows["nats_per_symbol"],
        "windows_standard_error": windows["standard_error"],
        "epochs": evaluations[-1]["epochs"],
        "symbols_per_second": evaluations[-1]["symbols_per_second"],
    }


class SmallGPT(nn.Module):
    """A decoder-only transformer with learned positions, pre-norm, tied output."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        width = GPT["width"]
        self.embedding = nn.Embedding(symbols, width)
        self.positions = nn.Embedding(GPT["window"], width)
        layer = nn.TransformerEncoderLayer(
            width,
            GPT["heads"],
            4 * width,
            dropout=0.0,
            activation=F.gelu,
            batch_first=True,
            norm_first=True,
            bias=False,
        )
        self.layers = nn.TransformerEncoder(layer, GPT["layers"], enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                # nanoGPT's: 0.02, and less for what is added to the residual path
                deep = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * GPT["layers"]) if deep else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits [B, T, V] for ids [B, T]."""
        T = ids.shape[1]
        x = self.embedding(ids) + self.positions(torch.arange(T))
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        return self.norm(self.layers(x, mask=mask, is_causal=True)) @ self.embedding.weight.T


def gpt(text: str) -> dict[str, Any]:
    """Train the small GPT and evaluate it on its own windows of 64, as nanoGPT does."""
    alphabet = sorted(set(text))
    ids = torch.tensor([alphabet.index(c) for c in text])
    cut = int(len(ids) * SPLIT)
    torch.manual_seed(1337)
    before = time.monotonic()
    model = SmallGPT(len(alphabet))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True)
    for step in range(GPT["iterations"]):
        for group in optimizer.param_groups:
            group["lr"] = _gpt_rate(step)
        loss = _gpt_loss(model, ids[:cut])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = time.monotonic() - before
    model.eval()
    with torch.inference_mode():
        losses = torch.stack([_gpt_loss(model, ids[cut:]) for _ in range(400)])
    return {
        "system": "GPT, nanoGPT's CPU recipe",
        "wall_seconds": round(seconds, 1),
        "windows_nats": losses.mean().item(),
        "windows_standard_error": losses.std().item() / math.sqrt(len(losses)),
        "epochs": GPT["iterations"] * GPT["batch"] * GPT["window"] / cut,
    }


def _gpt_rate(step: int) -> float:
    if step < 100:
        return 1e-3 * (step + 1) / 101
    share = (step - 100) / (GPT["iterations"] - 100)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * share)) * 9e-4


def _gpt_loss(model: nn.Module, ids: Tensor) -> Tensor:
    starts = torch.randint(len(ids) - GPT["window"], (GPT["batch"],))
    rows = torch.stack([ids[i : i + GPT["window"] + 1] for i in starts])
    return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())


if __name__ == "__main__":
    main()
