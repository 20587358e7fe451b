"""A small causal Transformer in nanoGPT's two configurations, trained by the same loop as the recurrent models.

PyTorch's own encoder layer with a mask; positions are learned, the output is tied to the embedding. A batch is rows of
random windows without any context, and the learning rate, warm-up, weight decay, clipping and dropout are nanoGPT's.
As there, the weights that did best on text kept aside are the ones that count.

Source: karpathy/nanoGPT, config/train_shakespeare_char.py (``large``) and its README's settings for a CPU (``small``).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato.app.process import keep_freed_memory
from ostinato.batch import SymbolBatch
from ostinato.engine.cpu import multiplies_bfloat16
from ostinato.models.task import Context, Loss
from ostinato.training.loop import Evaluated, train
from ostinato.training.schedule import Schedule
from ostinato.training.settings import TrainSettings
from ostinato.training.trainer import Trainer


@dataclass(frozen=True)
class Shape:
    """A configuration."""

    layers: int
    heads: int
    width: int
    window: int
    batch: int
    dropout: float


SHAPES = {"small": Shape(4, 4, 128, 64, 12, 0.0), "large": Shape(6, 6, 384, 256, 64, 0.2)}
_RATE, _WARM = 1e-3, 0.04
_LAST = 0.1  # of the rate, at the end
_EVALUATED = 400  # windows
_COMPARED = 100  # windows, to learn which weights are best
_TRIED = 4.0  # seconds, to learn how long a step takes


class Transformer(nn.Module):
    """Decoder-only, pre-norm, without biases."""

    def __init__(self, symbols: int, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, shape.width)
        self.positions = nn.Embedding(shape.window, shape.width)
        self.drop = nn.Dropout(shape.dropout)
        layer = nn.TransformerEncoderLayer(
            shape.width, shape.heads, 4 * shape.width, shape.dropout, F.gelu, batch_first=True, norm_first=True,
            bias=False,
        )  # fmt: skip
        self.layers = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(shape.width, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:  # 0.02, and less for what is added to the residual path
                deep = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * shape.layers) if deep else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits [B, T, V] for ids [B, T]."""
        T = ids.shape[1]
        x = self.drop(self.embedding(ids) + self.positions(torch.arange(T)))
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        return self.norm(self.layers(x, mask=mask, is_causal=True)) @ self.embedding.weight.T


class _Task:
    """The task of the loop; nothing is carried from batch to batch."""

    def __init__(self, model: Transformer) -> None:
        self.module = model

    def initial_state(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, 1)

    def loss(self, batch: SymbolBatch, state: Tensor, context: Context) -> tuple[Loss, Tensor]:
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        with torch.autocast("cpu", torch.bfloat16, enabled=context.training and multiplies_bfloat16()):
            logits = self.module(inputs)
        losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        return Loss(losses.view(targets.shape).sum(dim=1), batch.count), state


class _Windows:
    """Random windows of a text, as nanoGPT draws them."""

    def __init__(self, ids: NDArray[Any], shape: Shape, seed: int) -> None:
        self._ids, self._shape, self._random = ids, shape, np.random.default_rng(seed)

    def next(self) -> SymbolBatch:
        return windows_of(self._ids, self._random.integers(0, len(self._ids) - self._shape.window, self._shape.batch),
                          self._shape.window)  # fmt: skip

    def position(self) -> dict[str, int]:
        return {}

    def seek(self, position: dict[str, int]) -> None:
        raise NotImplementedError("these runs are not resumed")

    @property
    def batches_per_epoch(self) -> int:
        return len(self._ids) // (self._shape.window * self._shape.batch)


def windows_of(ids: NDArray[Any], starts: NDArray[Any], window: int) -> SymbolBatch:
    """Cut windows of a text, each with the symbol before it."""
    rows = ids[starts[:, None] + np.arange(window + 1)].astype(np.int64)
    return SymbolBatch(rows[:, :-1], rows[:, 1:], None, np.ones(len(rows), dtype=bool))


@dataclass(frozen=True)
class Trained:
    """What came of training.

    Attributes:
        model: With the weights that were best on the text that training goes by.
        steps: How many were taken.
        best: After how many of them these weights were.
    """

    model: Transformer
    steps: int
    best: int


def train_for(ids: NDArray[Any], valid: NDArray[Any], symbols: int, shape: Shape, minutes: float, seed: int) -> Trained:
    """Train for some minutes, set-up and a look at ``valid`` after every epoch included."""
    began = time.monotonic()
    keep_freed_memory(of_any_size=True)  # ``large`` has tensors of a hundred megabytes: 1.4 times as fast a step
    each = _seconds_of_a_step(_trainer(ids, valid, symbols, shape, seed))
    trainer = _trainer(ids, valid, symbols, shape, seed)
    steps = max(1, int((60 * minutes - (time.monotonic() - began)) / each))
    trainer.begin_schedule(steps)
    trainer.evaluate_every = trainer.stream.batches_per_epoch
    module, best = trainer.task.module, {}
    for event in train(trainer):
        if isinstance(event, Evaluated) and event.is_best:
            best = {name: value.clone() for name, value in module.state_dict().items()}
    assert trainer.best is not None
    module.load_state_dict(best)
    return Trained(module.eval(), steps, trainer.best["step"])  # type: ignore[arg-type]


def _seconds_of_a_step(trainer: Trainer) -> float:
    """Try how long a step takes, with its share of the evaluation after every epoch."""
    trainer.begin_schedule(10**6)
    trainer.advance()  # the first is slow
    began, tried = time.monotonic(), 0
    while time.monotonic() - began < _TRIED:
        trainer.advance()
        tried += 1
    stepped = time.monotonic()
    trainer.evaluate()
    evaluation = time.monotonic() - stepped
    return (stepped - began) / tried + evaluation / trainer.stream.batches_per_epoch


def _trainer(ids: NDArray[Any], valid: NDArray[Any], symbols: int, shape: Shape, seed: int) -> Trainer:
    torch.manual_seed(seed)
    settings = TrainSettings(
        learning_rate=_RATE, weight_decay=0.1, beta2=0.99, clip=1.0, average=0.0, patience=None, seed=seed
    )
    model = Transformer(symbols, shape)

    def validate(_: object) -> float:
        model.eval()
        loss, _ = windows_loss(model, valid, shape.window, windows=_COMPARED)
        model.train()
        return loss

    return Trainer(_Task(model), _Windows(ids, shape, seed), validate, settings, _Cosine(_WARM))  # type: ignore[arg-type]


class _Cosine(Schedule):
    """A cosine that ends at a tenth."""

    def factor(self, step: int) -> float:
        progress = (self.progress(step + 0.5) - self.warmup) / (1 - self.warmup)
        down = 0.5 * (1 + math.cos(math.pi * progress))
        return super().factor(step) if progress < 0 else _LAST + (1 - _LAST) * down


@torch.inference_mode()
def windows_loss(
    model: Transformer, ids: NDArray[Any], window: int, windows: int = _EVALUATED, seed: int = 1
) -> tuple[float, float]:
    """Return the mean loss over random windows in nats, in float32, and its standard error: nanoGPT's protocol."""
    starts = np.random.default_rng(seed).integers(0, len(ids) - window, size=windows)
    losses = []
    for part in np.split(starts, windows // 20):
        batch = windows_of(ids, part, window)
        logits = model(torch.from_numpy(batch.inputs))
        values = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), reduction="none")
        losses += values.reshape(len(part), -1).mean(dim=1).tolist()
    return float(np.mean(losses)), float(np.std(losses) / math.sqrt(len(losses)))


@torch.inference_mode()
def sliding_loss(model: Transformer, ids: NDArray[Any], window: int) -> float:
    """Return the loss over a whole text in nats but for its first symbol, late ones with half a window before them.

    Args:
        model: The model.
        ids: The text, [N], longer than a window.
        window: Symbols W that it sees; the first W have fewer before them.
    """
    half, last = window // 2, len(ids) - window - 1  # where the last window begins
    losses = np.full(len(ids) - 1, np.nan)
    starts = np.append(np.arange(0, last, half), last)
    for at in range(0, len(starts), 16):
        part = starts[at : at + 16]
        batch = windows_of(ids, part, window)
        logits = model(torch.from_numpy(batch.inputs))
        values = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), reduction="none")
        for start, of_window in zip(part, values.reshape(len(part), window).numpy(), strict=True):
            skipped = 0 if start == 0 else half
            losses[start + skipped : start + window] = of_window[skipped:]
    assert not np.isnan(losses).any()
    return float(losses.mean())
